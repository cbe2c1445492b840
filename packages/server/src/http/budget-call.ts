import { nanoUsdOf } from '@batchwright/core';
import type { Problem } from '@batchwright/protocol';
import { budgetObject } from './batch-details.ts';
import { findBatch, namedBatch } from './batch-lookup.ts';
import { NO_AMOUNT } from './batch-options.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { parseJsonObject } from './json-object.ts';
import { GONE, json, refuse, type Reply } from './reply.ts';
import { readWholeBody } from './whole-body.ts';

/** Far more than any amount takes. */
const BODY_LIMIT_BYTES = 16 * 1024;

/**
 * `POST /ext/v1/batches/{id}/budget`: another budget for a batch, or none. Answered once it is durable; a batch that was
 * paused and may go on does so at once. One that has ended stays as it is.
 */
export async function changeBudget(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const { catalog, progress, scheduler } = room.services;
  const id = namedBatch(call, params);
  const notFound = { type: 'batch_not_found', batchId: id } as const;
  if ((await findBatch(room, call, params, caller)) === null) return refuse(notFound);
  const body = await readWholeBody(room, call, BODY_LIMIT_BYTES);
  if (body.type === 'refused') return refuse(body.problem);
  if (body.type === 'gone') return GONE;
  const asked = readBudget(body.bytes);
  body.release();
  if (asked.type === 'refused') return refuse(asked.problem);
  const batch = await catalog.batches.setBudget(caller.workspaceId, id, asked.nanoUsd);
  const account = batch === 'missing' ? null : await catalog.batches.account(caller.workspaceId, id);
  if (batch === 'missing' || account === null) return refuse(notFound);
  if (batch.status !== 'ended') scheduler.budgetChanged(batch);
  return json({ id, type: 'batch_budget', budget: budgetObject({ batch, account, running: progress.details(id) }) });
}

type Asked =
  | { readonly type: 'budget'; readonly nanoUsd: number | null }
  | { readonly type: 'refused'; readonly problem: Problem };

function readBudget(bytes: Uint8Array): Asked {
  const value = parseJsonObject(Buffer.from(bytes).toString('utf8'));
  if (value === null) return wrong('body', 'Input should be a JSON object, such as {"usd": "20"}');
  const unknown = Object.keys(value).find((name) => name !== 'usd');
  if (unknown !== undefined) return wrong(unknown, 'Extra inputs are not permitted');
  const usd = value['usd'];
  if (usd === null) return { type: 'budget', nanoUsd: null };
  const nanoUsd = nanoUsdOf(usd);
  return nanoUsd === null ? wrong('usd', `${NO_AMOUNT}, or null for none`) : { type: 'budget', nanoUsd };
}

function wrong(path: string, reason: string): Asked {
  return { type: 'refused', problem: { type: 'field_wrong', path, reason } };
}
