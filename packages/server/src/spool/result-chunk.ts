import assert from 'node:assert/strict';
import type { ResultChunk } from './spool.ts';

const NEWLINE = 0x0a;

/**
 * Stops a chunk that would break the log for good: rows and lines that disagree, an unknown request, one settled
 * before or twice here. These are mistakes of the caller's code, found before a byte is written.
 */
export function checkChunk(chunk: ResultChunk, isSettled: Uint8Array): void {
  let end = 0;
  const seen = new Set<number>();
  for (const { request, lineBytes } of chunk.rows) {
    end += lineBytes;
    const isLine = lineBytes > 0 && chunk.lines[end - 1] === NEWLINE;
    // Not `assert`, which would have its words made for every row.
    if (!isLine) assert.fail(`row of request ${request} is not a whole line`);
    if (isSettled[request] === undefined) assert.fail(`no request ${request} among ${isSettled.length}`);
    if (isSettled[request] !== 0 || seen.has(request)) assert.fail(`request ${request} is settled already`);
    seen.add(request);
  }
  assert(end === chunk.lines.length, `rows name ${end} bytes of lines, but there are ${chunk.lines.length}`);
}
