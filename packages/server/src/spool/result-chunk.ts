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
  for (const row of chunk.rows) {
    end += row.lineBytes;
    assert(row.lineBytes > 0 && chunk.lines[end - 1] === NEWLINE, `row of request ${row.request} is not a whole line`);
    assert(row.request >= 0 && row.request < isSettled.length, `no request ${row.request} among ${isSettled.length}`);
    assert(isSettled[row.request] === 0 && !seen.has(row.request), `request ${row.request} is settled already`);
    seen.add(row.request);
  }
  assert(end === chunk.lines.length, `rows name ${end} bytes of lines, but there are ${chunk.lines.length}`);
}
