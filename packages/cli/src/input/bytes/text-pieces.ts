import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BadRequestsError } from '@batchwright/client';
import type { InputBytes } from './input-bytes.ts';
import { peeked, toBuffer, type Pieces } from './peeked.ts';

/**
 * Input as UTF-8 text, still in bytes: unzipped where it is gzip, whatever its name, without a byte order mark, and
 * refused where its first bytes show that it is something else. Whether all of it is UTF-8 is for those to see who know
 * the line.
 */
export async function* textPieces(input: InputBytes): AsyncGenerator<Buffer> {
  const [head, rest] = await withHead(input.pieces());
  const pieces = isGzip(head) ? await withHead(unzipped(rest, input.name)) : ([head, rest] as const);
  checkHead(pieces[0], input.name);
  let skipBytes = startsWith(pieces[0], UTF8_MARK) ? UTF8_MARK.length : 0;
  for await (const piece of pieces[1]) {
    yield toBuffer(piece).subarray(skipBytes);
    skipBytes = 0;
  }
}

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const GZIP_MARK = [0x1f, 0x8b];
/** Enough to tell what it is. */
const HEAD_BYTES = 4;

const withHead = async (pieces: Pieces): ReturnType<typeof peeked> =>
  peeked(pieces, ({ length }) => length >= HEAD_BYTES);

async function* unzipped(pieces: Pieces, name: string): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // The callback is for nobody: a fault of either stream ends the iteration below with it.
  pipeline(Readable.from(pieces), gunzip, () => {});
  try {
    for await (const piece of gunzip) yield piece as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') !== true) throw error;
    const isCut = code === 'Z_BUF_ERROR';
    const reason = isCut ? 'the gzip file ends too early' : `it is no sound gzip file (${message})`;
    throw new BadRequestsError(`${name}: ${reason}. Fetch it or make it anew.`, { cause: error });
  }
}

function checkHead(head: Buffer, name: string): void {
  if (startsWith(head, [0xff, 0xfe]) || startsWith(head, [0xfe, 0xff])) {
    throw new BadRequestsError(`${name} is UTF-16. Save it as UTF-8.`);
  }
  if (startsWith(head, [0x50, 0x41, 0x52, 0x31])) {
    throw new BadRequestsError(`${name} is a Parquet file. Add --input-format parquet.`);
  }
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) {
    throw new BadRequestsError(`${name} is a ZIP archive or a spreadsheet. Save it as CSV in UTF-8.`);
  }
  if (head.includes(0)) throw new BadRequestsError(`${name} is not text. Give JSONL, JSON, CSV, TSV or Parquet.`);
}

function isGzip(head: Buffer): boolean {
  return startsWith(head, GZIP_MARK);
}

function startsWith(head: Buffer, mark: readonly number[]): boolean {
  return mark.every((byte, at) => head[at] === byte);
}
