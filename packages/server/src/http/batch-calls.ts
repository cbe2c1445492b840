import { microsecondsFromMs, POLL_RETRY_AFTER_SECONDS } from '@batchwright/protocol';
import { batchObject, findBatch, isPlausibleId, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { json, refuse, type Reply } from './reply.ts';

/** `GET /v1/messages/batches/{id}`. An unfinished batch carries a hint on when to ask again. */
export async function retrieveBatch(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const batch = await findBatch(room, call, params, caller);
  if (batch === null) return notFound(call, params);
  const wait = batch.status === 'ended' ? {} : { 'retry-after': String(POLL_RETRY_AFTER_SECONDS) };
  return json(batchObject(room, call, batch), wait);
}

/** `POST …/{id}/cancel`. Canceling again, or what has ended, answers the batch as it is. */
export async function cancelBatch(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const { catalog, clock, scheduler } = room.services;
  const id = namedBatch(call, params);
  if (!isPlausibleId(id)) return notFound(call, params);
  const batch = await catalog.batches.cancel(caller.workspaceId, id, microsecondsFromMs(clock.now()));
  if (batch === 'missing') return notFound(call, params);
  if (batch.status === 'canceling') scheduler.cancelRequested(batch);
  return json(batchObject(room, call, batch));
}

/** `DELETE /v1/messages/batches/{id}`. Never 409, which every official client would retry. */
export async function deleteBatch(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const { catalog, clock, scheduler } = room.services;
  const id = namedBatch(call, params);
  if (!isPlausibleId(id)) return notFound(call, params);
  const outcome = await catalog.batches.delete(caller.workspaceId, id, microsecondsFromMs(clock.now()));
  switch (outcome) {
    case 'missing':
      return notFound(call, params);
    case 'still_running':
      return refuse({ type: 'batch_still_running', batchId: id });
    case 'deleted':
      scheduler.batchDeleted(id);
      return json({ id, type: 'message_batch_deleted' });
    default:
      return outcome satisfies never;
  }
}

function notFound(call: Call, params: Params): Reply {
  return refuse({ type: 'batch_not_found', batchId: namedBatch(call, params) });
}
