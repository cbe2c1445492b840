import { isJsonObject, readCacheMarkers, validateParams, type JsonObject, type ParamsSurface } from '@batchwright/core';
import { findModel, LIMITS, type Model, type WireError } from '@batchwright/protocol';
import { composeAnswer } from './answer/answer.ts';
import { uncachedTurn, type CacheTurn } from './cache/prompt-cache.ts';
import { positionsOf } from './cache/prompt-positions.ts';
import { saltsOf } from './cache/salts.ts';
import { scopeOf } from './cache/scope.ts';
import { isFaultKind, kindOfStatus, type FaultRule } from './faults/fault-rule.ts';
import { faultFor, strikeBeforeAnswer, strikeOther, strikesAtAdmission } from './faults/fault-strike.ts';
import type { CallInHand, Host } from './host.ts';
import { deliver } from './delivery.ts';
import { paceOf } from './pace.ts';
import { readPrompt, type Prompt } from './prompt/prompt.ts';
import { checkRemoteSources, DOWNLOAD_FAILED } from './prompt/remote-source.ts';
import { isTerms, readTerms, type CallTerms } from './terms.ts';
import { readBody } from './wire/body.ts';
import { messageOf } from './wire/message.ts';
import { jsonResponse } from './wire/response.ts';

const MESSAGES = '/v1/messages';
const COUNT_TOKENS = '/v1/messages/count_tokens';

/** Answers `POST /v1/messages`: everything about the answer is decided now, and told when its time comes. */
export function answerMessages(hand: CallInHand, host: Host): void {
  const terms = readTerms(hand.call.headers);
  if (!isTerms(terms)) return host.refuseProblem(hand, terms);
  const body = readBody(hand.call.body, LIMITS.messageBodyBytes);
  const params = body.type === 'parsed' ? body.value : undefined;
  const fault = faultFor(hand, host, MESSAGES, modelName(params), body.text);
  if (fault !== null && strikesAtAdmission(fault) && strikeBeforeAnswer(fault, hand, host, 0)) return;
  if (body.type === 'unreadable') return host.refuseProblem(hand, body.problem);
  const sound = judge(params, terms.surface, terms, hand.batch !== null);
  if (sound.type === 'refused') return host.refuse(hand, sound.error);
  const { model } = sound;
  const prompt = readPrompt(sound.params, host.seed);
  const wrong = checkRunnable(sound.params, prompt, model);
  if (wrong !== null) return host.refuse(asExecution(hand, wrong, terms), wrong, model);
  run(hand, host, { ...sound, prompt, terms, fault: fault ?? directed(prompt) });
}

/** Answers `POST /v1/messages/count_tokens`; changes nothing. */
export function answerCount(hand: CallInHand, host: Host): void {
  const terms = readTerms(hand.call.headers);
  if (!isTerms(terms)) return host.refuseProblem(hand, terms);
  const body = readBody(hand.call.body, LIMITS.messageBodyBytes);
  const params = body.type === 'parsed' ? body.value : undefined;
  if (strikeOther(hand, host, COUNT_TOKENS, modelName(params), body.text)) return;
  if (body.type === 'unreadable') return host.refuseProblem(hand, body.problem);
  const sound = judge(params, 'count_tokens', terms, false);
  if (sound.type === 'refused') return host.refuse(hand, sound.error);
  host.sendNext(hand, jsonResponse({ input_tokens: readPrompt(sound.params, host.seed).tokens }), sound.model);
}

/** A request that will be run, with all that bears on how. */
interface Run {
  readonly params: JsonObject;
  readonly model: Model;
  readonly prompt: Prompt;
  readonly terms: CallTerms;
  readonly fault: FaultRule | null;
}

function run(hand: CallInHand, host: Host, { params, model, prompt, terms, fault }: Run): void {
  const answer = composeAnswer(params, prompt, model, hand.id);
  const turn = lookUp(hand, host, params, model, prompt, terms);
  // Batches have limits of their own, which are on how many wait.
  const refusal =
    hand.batch === null ? host.limits.admit(model, turn.bill, host.inFlightCount, host.clock.now()) : null;
  if (refusal !== null) return host.refuse(hand, refusal, model);
  const pace = paceOf(host.profile, prompt, turn.bill.readTokens, answer, parseInt(hand.id.slice(0, 8), 16));
  const message = messageOf(`msg_sim_${hand.id}`, params, model, terms.surface, turn.bill, answer);
  deliver(hand, host, {
    message,
    model,
    surface: terms.surface,
    inferenceGeo: message.usage.inference_geo,
    turn,
    outputTokens: answer.outputTokens,
    pace,
    isStream: params['stream'] === true,
    fault,
  });
}

function lookUp(
  hand: CallInHand,
  host: Host,
  params: JsonObject,
  model: Model,
  prompt: Prompt,
  terms: CallTerms,
): CacheTurn {
  const markers = readCacheMarkers(params);
  // Most prompts ask for no caching, and need not be hashed block by block.
  if (markers.length === 0) return uncachedTurn(prompt.tokens, host.clock.now());
  const { batchCache, thinkingSaltsMessages } = host.cacheOptions;
  const salts = saltsOf(params, {
    betas: terms.betas,
    hasImages: prompt.attachments.some((attachment) => attachment.type === 'image'),
    thinkingSaltsMessages: thinkingSaltsMessages.includes(model.id),
  });
  const { hashes, tokens, contents } = positionsOf(prompt.blocks, salts);
  const scope = scopeOf(hand.owner, model, batchCache === 'shared' ? 'shared' : terms.surface);
  const minimumTokens = host.models.minimumCacheTokens(model.id) ?? model.minimumCacheTokens;
  const request = { scope, batch: hand.batch, minimumTokens, hashes, tokens, contents, markers };
  return host.cache.look(request, host.clock.now());
}

function modelName(params: unknown): string | null {
  return isJsonObject(params) && typeof params['model'] === 'string' ? params['model'] : null;
}

type Verdict =
  | { readonly type: 'sound'; readonly params: JsonObject; readonly model: Model }
  | { readonly type: 'refused'; readonly error: WireError };

function judge(params: unknown, surface: ParamsSurface, terms: CallTerms, isItem: boolean): Verdict {
  const judged = surface === 'batch' && !isItem ? withoutStream(params) : params;
  const error = validateParams(judged, { surface, version: terms.version, betas: terms.betas });
  if (error !== null) return { type: 'refused', error };
  const model = findModel(modelName(params) ?? '');
  if (!isJsonObject(params) || model === undefined) throw new Error('Params were found sound without a known model.');
  return { type: 'sound', params, model };
}

/**
 * A batch server may have an answer streamed to itself, to learn of its first byte; whether its client asked for a
 * stream, which the batch surface refuses, it has judged before.
 */
function withoutStream(params: unknown): unknown {
  return isJsonObject(params) && params['stream'] === true ? { ...params, stream: false } : params;
}

/** What only running the request finds out. */
function checkRunnable(params: JsonObject, prompt: Prompt, model: Model): WireError | null {
  const unreachable = checkRemoteSources(params);
  if (unreachable !== null || prompt.tokens <= model.maxInputTokens) return unreachable;
  return {
    type: 'invalid_request_error',
    message: `prompt is too long: ${prompt.tokens} tokens > ${model.maxInputTokens} maximum`,
  };
}

/** A batch's request that fails while it runs is known by an execution's id, as the API does it. */
function asExecution(hand: CallInHand, error: WireError, terms: CallTerms): CallInHand {
  const isExecution = terms.surface === 'batch' && error === DOWNLOAD_FAILED;
  return isExecution ? { ...hand, requestId: `workerreq_sim_${hand.id}` } : hand;
}

/** The fault that the prompt itself asks for. */
function directed(prompt: Prompt): FaultRule | null {
  const { fail } = prompt.directive;
  const kind = typeof fail === 'number' ? kindOfStatus(fail) : fail;
  return isFaultKind(kind) ? { kind } : null;
}
