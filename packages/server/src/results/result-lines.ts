import { usageOf, type RequestUse } from '@batchwright/core';
import type { ResultReader } from '../spool/spool.ts';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 256 * 1024;

/** Every whole line of a results log from a position on, its newline included. A line is valid until the next is asked for. */
export async function* linesOf(reader: ResultReader, from: number): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(CHUNK_BYTES);
  let restBytes = 0;
  let position = from;
  for (;;) {
    if (restBytes === buffer.length) buffer = twiceAsLong(buffer);
    const count = await reader.read(buffer.subarray(restBytes), position);
    if (count === 0) return;
    position += count;
    const bytes = buffer.subarray(0, restBytes + count);
    let start = 0;
    // What was left over has no newline, or it would not have been.
    for (let end = bytes.indexOf(NEWLINE, restBytes); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      yield bytes.subarray(start, end + 1);
      start = end + 1;
    }
    bytes.copyWithin(0, start);
    restBytes = bytes.length - start;
  }
}

function twiceAsLong(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(bytes.length * 2);
  longer.set(bytes);
  return longer;
}

/** What the answer in a line used; null when it holds none. */
export function useInLine(line: Uint8Array): RequestUse | null {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
  const { result } = JSON.parse(text) as { readonly result: { readonly type: string; readonly message?: unknown } };
  if (result.type !== 'succeeded') return null;
  const { model, usage } = (result.message ?? {}) as { readonly model?: unknown; readonly usage?: unknown };
  return usageOf(model, usage);
}
