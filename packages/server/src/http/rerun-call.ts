import type { BatchRecord } from '@batchwright/core';
import type { BatchTerms } from '../intake/intake.ts';
import type { RequestLog } from '../spool/spool.ts';
import { batchObject, findBatch, namedBatch } from './batch-lookup.ts';
import { readBatchOptions } from './batch-options.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { answerUnaccepted, receiveBatch } from './create-call.ts';
import { GONE, json, refuse, type Reply } from './reply.ts';
import { rerunBody } from './rerun-body.ts';
import { readRerunFilter, type AskedRerun } from './rerun-filter.ts';
import { selectRequests, type RerunFilter } from './rerun-selection.ts';
import { openRequests, openResults } from './stored-requests.ts';
import { readWholeBody } from './whole-body.ts';

/** Far more than all types there are. */
const BODY_LIMIT_BYTES = 16 * 1024;

/**
 * `POST /ext/v1/batches/{id}/rerun`: what failed of an ended batch, as a new batch. The requests go through intake as they
 * did at first, under the version, betas and profile of the batch they come from and, unless the call says otherwise, its
 * options. As with a create, 200 is answered once the new batch is durable, and asking again makes another.
 */
export async function rerunBatch(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  if (room.isShuttingDown()) return refuse({ type: 'shutting_down' });
  const batch = await findBatch(room, call, params, caller);
  if (batch === null) return refuse({ type: 'batch_not_found', batchId: namedBatch(call, params) });
  const body = await readWholeBody(room, call, BODY_LIMIT_BYTES);
  if (body.type === 'refused') return refuse(body.problem);
  if (body.type === 'gone') return GONE;
  const asked = readRerunFilter(body.bytes);
  body.release();
  if (asked.type === 'refused') return refuse(asked.problem);
  const options = readBatchOptions(call.request.headers, batch.options);
  if (options.type === 'refused') return refuse(options.problem);
  if (batch.status !== 'ended') return refuse({ type: 'batch_not_ended', batchId: batch.id });
  const opened = await openRequests(room, batch);
  if (opened.type === 'refused') return refuse(opened.problem);
  const { workspaceId, apiVersion, betas, userProfileId } = batch;
  const terms = { workspaceId, apiVersion, betas, userProfileId, options: options.options };
  try {
    return await rerun(room, call, batch, opened.requests, asked, terms);
  } finally {
    await opened.requests.close();
  }
}

async function rerun(
  room: Room,
  call: Call,
  from: BatchRecord,
  log: RequestLog,
  { filter, words }: AskedRerun,
  terms: BatchTerms,
): Promise<Reply> {
  const requests = await select(room, from, filter);
  if (requests === null) return refuse({ type: 'results_not_available', batchId: from.id });
  if (requests.length === 0) return refuse({ type: 'nothing_to_rerun', batchId: from.id, asked: words });
  const body = rerunBody(log, requests);
  // A client that went away before there is a batch could not learn of it, and would ask again.
  call.response.once('close', () => body.stream.destroy());
  const outcome = await receiveBatch(room, body, terms);
  // That the old batch could not be read is no doing of the client's.
  if (outcome.type === 'broken_off' && body.stream.errored !== null) throw body.stream.errored;
  if (outcome.type !== 'accepted') return answerUnaccepted(body, outcome);
  room.services.scheduler.batchCreated(outcome.batch);
  const batch = batchObject(room, call, outcome.batch);
  return json({ type: 'batch_rerun', from: from.id, requests: requests.length, batch });
}

async function select(room: Room, batch: BatchRecord, filter: RerunFilter): Promise<Uint32Array | null> {
  const reader = await openResults(room, batch);
  if (reader === null) return null;
  try {
    return await selectRequests(await room.services.spool.settledLines(batch.id, reader.bytes), reader, filter);
  } finally {
    await reader.close();
  }
}
