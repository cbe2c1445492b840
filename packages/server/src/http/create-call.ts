import { LIMITS, type Problem } from '@batchwright/protocol';
import type { BatchTerms, IntakeOutcome, PassingBody } from '../intake/intake.ts';
import { readBatchOptions, readUserProfile } from './batch-options.ts';
import { batchObject } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { GONE, json, refuse, type Reply } from './reply.ts';
import { openBody, type RequestBody } from './request-body.ts';

/**
 * `POST /v1/messages/batches`. 200 only once the batch is durable: clients retry a create they got no answer to, and each
 * retry makes another batch, so the answer must neither come early nor be lost for a reason that is ours.
 */
export async function createBatch(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  if (room.isShuttingDown()) return refuse({ type: 'shutting_down' });
  const terms = readTerms(room, call, caller);
  if (terms.type === 'refused') return refuse(terms.problem);
  const opened = openBody(call, LIMITS.batchBodyBytes);
  if (opened.type === 'refused') return refuse(opened.problem);
  return answer(room, call, opened.body, await receiveBatch(room, opened.body, terms.terms));
}

/** The terms that a call's headers state. */
export type Terms =
  | { readonly type: 'stated'; readonly terms: BatchTerms }
  | { readonly type: 'refused'; readonly problem: Problem };

/** The terms of the batch that a call describes, if its headers are in order. */
export function readTerms(room: Room, call: Call, caller: Caller): Terms {
  const usual = { counts: 'live', markers: room.services.settings.markers, budgetNanoUsd: null } as const;
  const options = readBatchOptions(call.request.headers, usual);
  if (options.type === 'refused') return options;
  const profile = readUserProfile(call.request.headers);
  if (profile.type === 'refused') return profile;
  const { workspaceId, apiVersion, betas } = caller;
  const terms = { workspaceId, apiVersion, betas, userProfileId: profile.userProfileId, options: options.options };
  return { type: 'stated', terms };
}

/** Hands a body over to intake, whoever made it. */
export async function receiveBatch(room: Room, body: RequestBody, terms: BatchTerms): Promise<IntakeOutcome> {
  const { intake, metrics, settings } = room.services;
  const startedMs = performance.now();
  const queueLimit = settings.queuedRequests > 0 ? settings.queuedRequests : null;
  try {
    return await handOver(body, (stream) => intake.receive(stream, terms, queueLimit));
  } finally {
    metrics.intake(body.bytes(), (performance.now() - startedMs) / 1000);
  }
}

/** Gives intake a body to read, and lets go of what it left unread. */
export async function handOver<Outcome>(
  body: RequestBody,
  read: (stream: PassingBody) => Promise<Outcome>,
): Promise<Outcome | { readonly type: 'broken_off' }> {
  try {
    return await read(body.stream);
  } catch (error) {
    // A body that breaks off is the client's doing, however intake saw it.
    if (body.problem() !== null) return { type: 'broken_off' };
    throw error;
  } finally {
    body.stream.destroy();
  }
}

function answer(room: Room, call: Call, body: RequestBody, outcome: IntakeOutcome): Reply {
  switch (outcome.type) {
    case 'accepted':
      call.facts.batchId = outcome.batch.id;
      room.services.scheduler.batchCreated(outcome.batch);
      return json(batchObject(room, call, outcome.batch));
    case 'refused':
    case 'broken_off':
      return answerUnaccepted(body, outcome);
    default:
      return outcome satisfies never;
  }
}

/** The answer to a body that intake did not take, whatever it was sent for. */
export function answerUnaccepted(body: RequestBody, outcome: Exclude<IntakeOutcome, { type: 'accepted' }>): Reply {
  if (outcome.type === 'refused') return refuse(afterDecoding(body, outcome.problem));
  const problem = body.problem();
  return problem === null ? GONE : refuse(problem);
}

/** Intake sees decoded bytes only, and does not know that they came compressed. */
function afterDecoding(body: RequestBody, problem: Problem): Problem {
  return body.isEncoded && problem.type === 'body_too_large'
    ? { type: 'body_too_large_after_decoding', limitBytes: problem.limitBytes }
    : problem;
}
