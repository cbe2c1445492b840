import type { ServerResponse } from 'node:http';
import type { ResultReader } from '../spool/spool.ts';
import { findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { refuse, SENT, type Reply } from './reply.ts';

/** The results' content type. What a client says it accepts is not asked: the body is the same for all. */
export const RESULTS_CONTENT_TYPE = 'application/x-jsonl';

/**
 * `GET …/{id}/results`: the results log, byte for byte. It is never redirected (older clients would hand their key to the
 * other host) and its length is always stated, so that a cut connection cannot pass for a complete file.
 */
export async function downloadResults(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const batch = await findBatch(room, call, params, caller);
  const batchId = namedBatch(call, params);
  if (batch === null) return refuse({ type: 'batch_not_found', batchId });
  const isReadable = batch.status === 'ended' && batch.archivedAtUs === null;
  const reader = isReadable ? await room.services.spool.readResults(batch.id) : null;
  if (reader === null) return refuse({ type: 'results_not_available', batchId });
  try {
    await sendResults(room, call, reader);
  } finally {
    await reader.close();
  }
  return SENT;
}

async function sendResults(room: Room, call: Call, reader: ResultReader): Promise<void> {
  const { response } = call;
  response.writeHead(200, { 'content-type': RESULTS_CONTENT_TYPE, 'content-length': reader.bytes });
  if (call.method === 'HEAD') {
    response.end();
    return;
  }
  response.flushHeaders();
  const sent = await pump(reader, response);
  call.facts.bytes = sent;
  room.services.metrics.resultsServed(sent);
  if (sent === reader.bytes) response.end();
  else response.destroy();
}

/** Measured best on a 1 GB file: smaller costs calls, larger leaves the processor's cache. */
const BUFFER_BYTES = 1024 * 1024;

/**
 * Two buffers, used in turn: while one is on its way to the socket, the next part is read into the other. No more than
 * these is ever held, however slowly the client reads. Answers how many bytes were sent.
 *
 *     read A │ read B │ read A │
 *            │ send A │ send B │ send A
 */
async function pump(reader: ResultReader, response: ServerResponse): Promise<number> {
  const size = Math.min(BUFFER_BYTES, reader.bytes);
  let filling = new Uint8Array(size);
  let sending = new Uint8Array(size);
  const socket = new Outlet(response);
  let position = 0;
  let sent = 0;
  let inFlight: { readonly bytes: number; readonly done: Promise<boolean> } | null = null;
  while (sent < reader.bytes) {
    const wanted = Math.min(size, reader.bytes - position);
    const read = wanted === 0 ? 0 : await reader.read(filling.subarray(0, wanted), position);
    if (wanted > 0 && read === 0) throw new Error(`The results log ended at ${position} of ${reader.bytes} bytes.`);
    position += read;
    if (inFlight !== null) {
      if (!(await inFlight.done)) return sent;
      sent += inFlight.bytes;
    }
    [filling, sending] = [sending, filling];
    inFlight = read === 0 ? null : { bytes: read, done: socket.write(sending.subarray(0, read)) };
  }
  return sent;
}

/** Writes chunk by chunk, and notices at once when the client has gone. */
class Outlet {
  readonly #response: ServerResponse;
  #settle: ((isSent: boolean) => void) | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
    // A write's own callback is not always called when the socket dies, and a download must not wait for it then.
    response.once('close', () => this.#settle?.(false));
  }

  /** Resolves once the chunk's memory may be reused: true when it is in the kernel's hands, false when nobody reads. */
  write(chunk: Uint8Array): Promise<boolean> {
    if (this.#response.destroyed) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#response.write(chunk, (error) => resolve(error === null || error === undefined));
    });
  }
}
