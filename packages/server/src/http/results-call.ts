import type { ResultReader } from '../spool/spool.ts';
import { findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { Outlet } from './outlet.ts';
import { refuse, SENT, type Reply } from './reply.ts';

/** The results' content type. What a client says it accepts is not asked: the body is the same for all. */
export const RESULTS_CONTENT_TYPE = 'application/x-jsonl';

/**
 * `GET …/{id}/results`: the results log, byte for byte. It is never redirected (older clients would hand their key to the
 * other host) and its length is always stated, so that a cut connection cannot pass for a complete file. Results that are
 * known to be damaged are refused with 500 before anything is sent.
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
  await sendLines(room, call, reader, { from: 0, to: reader.bytes });
}

/**
 * Sends a part of the results as the body, whose head has been written, and ends the response. A line that fails its
 * check rejects before the body is as long as was announced, so that no client takes it for whole.
 */
export async function sendLines(
  room: Room,
  call: Call,
  reader: ResultReader,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const outlet = new Outlet(call.response);
  try {
    if (await outlet.pump(reader, from, to)) call.response.end();
    else call.response.destroy();
  } finally {
    call.facts.bytes = outlet.sent;
    room.services.metrics.resultsServed(outlet.sent);
  }
}
