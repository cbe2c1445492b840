import type { ResultReader } from '../spool/spool.ts';
import { findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { Outlet } from './outlet.ts';
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
  const outlet = new Outlet(response);
  const isSent = await outlet.pump(reader, 0, reader.bytes);
  call.facts.bytes = outlet.sent;
  room.services.metrics.resultsServed(outlet.sent);
  if (isSent) response.end();
  else response.destroy();
}
