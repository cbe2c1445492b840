import { placeOf } from './json-place.ts';
import type { PromptPart } from './prompt-parts.ts';
import { valueLook, type ValueLook } from './value-look.ts';

/** The first byte in which two prompts differ. */
export interface Difference {
  /** The value it lies in: `system[0].text`. */
  readonly path: string;
  /** In bytes from the beginning of that value. */
  readonly offset: number;
  /** What both have before it, at most a few words; what each has from there on; line ends as JSON writes them. */
  readonly before: string;
  readonly left: string;
  readonly right: string;
  /** What the differing values look like; null: nothing known. */
  readonly look: ValueLook | null;
}

const SHOWN_BEFORE = 32;
const SHOWN_FROM = 32;
/** A time or an id that the difference lies in may have begun so many characters earlier. */
const JUDGED = 80;

/** The first byte that differs; the length of the shorter when one begins with the other. */
export function firstDifference(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) if (left[at] !== right[at]) return at;
  return shared;
}

/** Shows where two blocks at one place of their prompts, which differ, do so first. */
export function differenceOf(left: PromptPart, right: PromptPart): Difference {
  const at = firstDifference(left.bytes, right.bytes);
  const place = placeOf(left.bytes, Math.min(at, left.bytes.length - 1));
  const before = textBefore(left.bytes, at);
  return {
    path: left.path + place.path,
    offset: place.offset,
    before: lastOf(before, SHOWN_BEFORE),
    left: textFrom(left.bytes, at).slice(0, SHOWN_FROM),
    right: textFrom(right.bytes, at).slice(0, SHOWN_FROM),
    look: valueLook(before + textFrom(left.bytes, at), before + textFrom(right.bytes, at), before.length),
  };
}

const decoder = new TextDecoder();

/** Cut where a character begins: the difference may lie inside one. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  return start;
}

function textBefore(bytes: Uint8Array, at: number): string {
  const end = characterStart(bytes, at);
  return decoder.decode(bytes.subarray(characterStart(bytes, Math.max(0, end - JUDGED)), end));
}

function textFrom(bytes: Uint8Array, at: number): string {
  const start = characterStart(bytes, at);
  return decoder.decode(bytes.subarray(start, characterStart(bytes, Math.min(bytes.length, start + JUDGED))));
}

function lastOf(text: string, characters: number): string {
  return text.length <= characters ? text : text.slice(-characters);
}
