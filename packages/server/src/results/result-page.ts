import type { ResultReader } from '../spool/spool.ts';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 256 * 1024;

/** How much of a results log is wanted at once. At least one line is always given, however long it is. */
export interface PageBounds {
  /** Null: as many as there are. */
  readonly lines: number | null;
  readonly bytes: number;
}

/** Where the page that begins at `from` ends: after a whole line, within the bounds. The log must end with a whole line. */
export async function pageEnd(reader: ResultReader, from: number, { lines, bytes }: PageBounds): Promise<number> {
  if (lines === null && reader.bytes - from <= bytes) return reader.bytes;
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, reader.bytes - from));
  let end = from;
  let count = 0;
  for (let position = from; position < reader.bytes;) {
    const read = await reader.read(chunk, position);
    if (read === 0) throw new Error(`The results log ended at ${position} of ${reader.bytes} bytes.`);
    for (let at = chunk.indexOf(NEWLINE); at !== -1 && at < read; at = chunk.indexOf(NEWLINE, at + 1)) {
      const lineEnd = position + at + 1;
      if (count > 0 && lineEnd - from > bytes) return end;
      end = lineEnd;
      if (++count === lines) return end;
    }
    position += read;
    if (count > 0 && position - from > bytes) return end;
  }
  return end;
}

/** Whether a line of the log begins at `offset`, which lies within it. */
export async function isLineStart(reader: ResultReader, offset: number): Promise<boolean> {
  if (offset === 0) return true;
  const before = new Uint8Array(1);
  return (await reader.read(before, offset - 1)) === 1 && before[0] === NEWLINE;
}
