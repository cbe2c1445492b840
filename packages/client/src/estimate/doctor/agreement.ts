import { firstDifference } from './difference.ts';

/** How much of two blocks is the same, as parts of the left one from 0 to 1. */
export interface Agreement {
  /** Before the first byte that differs. */
  readonly before: number;
  /** Behind it, wherever it lies. */
  readonly behind: number;
}

/** Larger ones are compared from both ends only. */
const COMPARED_BYTES = 1_000_000;
/** So many words in a row must be the same: fewer occur in texts that have nothing to do with each other. */
const RUN_OF_WORDS = 5;

const NOTHING: Agreement = { before: 0, behind: 0 };
const ALL: Agreement = { before: 1, behind: 0 };

export function agreementOf(left: Uint8Array, right: Uint8Array): Agreement {
  const shorter = Math.min(left.length, right.length);
  if (shorter === 0) return NOTHING;
  const prefix = firstDifference(left, right);
  if (prefix === left.length && prefix === right.length) return ALL;
  const suffix = commonEnd(left, right, shorter - prefix);
  const rest = left.length - prefix - suffix;
  const inside = rest > 0 ? sharedWords(left, right, prefix, suffix) : 0;
  return { before: prefix / left.length, behind: (suffix + inside) / left.length };
}

function commonEnd(left: Uint8Array, right: Uint8Array, most: number): number {
  let end = 0;
  while (end < most && left[left.length - 1 - end] === right[right.length - 1 - end]) end++;
  return end;
}

/** Bytes of the left one between the ends whose words, several in a row, are in the right one too. */
function sharedWords(left: Uint8Array, right: Uint8Array, prefix: number, suffix: number): number {
  if (Math.max(left.length, right.length) > COMPARED_BYTES) return 0;
  const known = new Map<string, number>();
  const mine = runsOf(left, prefix, suffix);
  if (mine.length === 0) return 0;
  for (const run of runsOf(right, prefix, suffix)) known.set(run, (known.get(run) ?? 0) + 1);
  let shared = 0;
  for (const run of mine) {
    const count = known.get(run) ?? 0;
    if (count === 0) continue;
    known.set(run, count - 1);
    shared += 1;
  }
  return (shared / mine.length) * (left.length - prefix - suffix);
}

const decoder = new TextDecoder();

function runsOf(bytes: Uint8Array, prefix: number, suffix: number): readonly string[] {
  const words = decoder.decode(bytes.subarray(prefix, bytes.length - suffix)).split(/[^\p{L}\p{N}]+/u);
  const runs: string[] = [];
  for (let at = 0; at + RUN_OF_WORDS <= words.length; at++) runs.push(words.slice(at, at + RUN_OF_WORDS).join(' '));
  return runs;
}
