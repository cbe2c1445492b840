import type { PromptBlocks, RequestNotes } from '@batchwright/core';
import { BodyScanner } from './body-scanner.ts';
import type { BodyVerdict } from './scanner.ts';

const BLOCK_BYTES = 1 << 20;
const QUOTE = 0x22;
/** More than any vector reads past a chunk's end. */
const BEYOND_BYTES = 64;

let shared: BodyScanner | null = null;

/** One for all tests of a process, so that they also show that `begin` leaves nothing of the body before. */
export function sharedScanner(): BodyScanner {
  return (shared ??= new BodyScanner(1, BLOCK_BYTES));
}

/** Hashes under a fixed seed. */
export const zeroBytes = (length: number): Uint8Array => new Uint8Array(length);

/**
 * Scans a body cut before each offset in `cuts`, which ascend. What lies behind each chunk is full of quotes, so that a
 * pass which heeds bytes past its end goes wrong.
 */
export function scanBody(body: Uint8Array, cuts: readonly number[] = []): BodyVerdict {
  const scanner = sharedScanner();
  scanner.begin(zeroBytes, 0n);
  const [block] = scanner.blocks;
  if (block === undefined) throw new Error('The scanner has no block.');
  let from = 0;
  for (const to of [...cuts, body.length]) {
    for (; from < to; from = Math.min(to, from + BLOCK_BYTES)) {
      const chunk = body.subarray(from, Math.min(to, from + BLOCK_BYTES));
      block.set(chunk);
      block.fill(QUOTE, chunk.length, chunk.length + BEYOND_BYTES);
      if (scanner.feed(block.subarray(0, chunk.length)) !== null) return scanner.finish();
    }
  }
  return scanner.finish();
}

/** The blocks of the body scanned last: copies, so that those of two bodies can be compared. */
export function notedBlocks(): PromptBlocks {
  const { firstBlock, hash, tokens, traits, ...rest } = sharedScanner().promptBlocks();
  return {
    ...rest,
    firstBlock: firstBlock.slice(),
    hash: hash.slice(),
    tokens: tokens.slice(),
    traits: traits.slice(),
  };
}

/** What else was noted of the body scanned last: copies, as `notedBlocks`. */
export function notedRequests(): RequestNotes {
  const { maxTokens, toolCount, toolSet } = sharedScanner().requestNotes();
  return { maxTokens: maxTokens.slice(), toolCount: toolCount.slice(), toolSet: toolSet.slice() };
}

/** What the scanner's index says of each request of the body scanned last. */
export function indexedRequests(body: Uint8Array, count: number): readonly { customId: string; params: string }[] {
  const index = sharedScanner().index(count);
  return Array.from({ length: count }, (_, request) => {
    const paramsOffset = index.paramsOffset[request] ?? NaN;
    const params = body.subarray(paramsOffset, paramsOffset + (index.paramsBytes[request] ?? NaN));
    return {
      customId: new TextDecoder().decode(index.customIds.of(request)),
      params: new TextDecoder().decode(params),
    };
  });
}
