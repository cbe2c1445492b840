import { POLL_RETRY_AFTER_SECONDS } from '@batchwright/protocol';
import { budgetObject, ledgerOf, planObject, progressObject, scheduleObject } from './batch-details.ts';
import { batchObject, findBatch, namedBatch } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { json, refuse, type Reply } from './reply.ts';

/** `GET /ext/v1/batches/{id}`: the batch, and what the wire object has no place for. */
export async function retrieveDetails(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const { catalog, clock, progress } = room.services;
  const batch = await findBatch(room, call, params, caller);
  const account = batch === null ? null : await catalog.batches.account(caller.workspaceId, batch.id);
  if (batch === null || account === null) {
    return refuse({ type: 'batch_not_found', batchId: namedBatch(call, params) });
  }
  const facts = { batch, account, running: progress.details(batch.id), nowMs: clock.now() };
  const wait = batch.status === 'ended' ? {} : { 'retry-after': String(POLL_RETRY_AFTER_SECONDS) };
  const details = {
    type: 'batch_details',
    batch: batchObject(room, call, batch),
    progress: progressObject(facts),
    plan: planObject(facts),
    ledger: ledgerOf(facts),
    budget: budgetObject(facts),
    schedule: scheduleObject(facts),
  };
  return json(details, wait);
}
