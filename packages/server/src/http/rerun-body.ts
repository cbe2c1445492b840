import { Readable } from 'node:stream';
import { customIdOf } from '../spool/custom-id-search.ts';
import type { RequestLog } from '../spool/spool.ts';
import type { RequestBody } from './request-body.ts';

/** Bytes given on at once, and the most of a request's params that are held. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The body of a create that submits these requests of another batch again, their params byte for byte. It is made as it
 * is read, so that a batch of 256 MB passes in chunks. It is never longer than the body the requests came in.
 */
export function rerunBody(log: RequestLog, requests: Uint32Array): RequestBody {
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of gathered(pieces(log, requests))) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const stream = Readable.from(counted(), { objectMode: false, highWaterMark: CHUNK_BYTES });
  return { stream, isEncoded: false, bytes: () => bytes, problem: () => null };
}

async function* pieces(log: RequestLog, requests: Uint32Array): AsyncGenerator<Uint8Array> {
  let before = '{"requests":[';
  for (const request of requests) {
    yield Buffer.from(`${before}{"custom_id":"${customIdOf(log.index, request)}","params":`, 'latin1');
    if ((log.index.paramsBytes[request] ?? 0) > CHUNK_BYTES) yield* inParts(log, request);
    else yield log.peekParams(request) ?? (await log.readParams(request));
    before = '},';
  }
  yield Buffer.from('}]}');
}

async function* inParts(log: RequestLog, request: number): AsyncGenerator<Uint8Array> {
  const from = log.index.paramsOffset[request] ?? 0;
  const to = from + (log.index.paramsBytes[request] ?? 0);
  for (let position = from; position < to;) {
    const part = new Uint8Array(Math.min(CHUNK_BYTES, to - position));
    const read = await log.readBody(part, position);
    if (read === 0) throw new Error(`The body ends at ${position}, inside a request that goes to ${to}.`);
    position += read;
    yield part.subarray(0, read);
  }
}

/** Many small pieces as few large ones: each that passes through a stream costs as much as copying kilobytes. */
async function* gathered(source: AsyncGenerator<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const piece of source) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
