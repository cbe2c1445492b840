import { Buffer } from 'node:buffer';
import { messageBatch } from '@batchwright/core';
import { LIMITS, POLL_RETRY_AFTER_SECONDS, wireError, type MessageBatch, type Problem } from '@batchwright/protocol';
import type { SimulatorCall } from '../exchange.ts';
import { faultFor, sendStruck, strikeBeforeAnswer, strikesAtAdmission } from '../faults/fault-strike.ts';
import type { CallInHand, Host } from '../host.ts';
import { headerOf, isTerms, readTerms, type CallTerms } from '../terms.ts';
import { readBody, type Body } from '../wire/body.ts';
import { pageOf } from '../wire/page.ts';
import { errorResponse, JSON_HEADERS, jsonResponse, type WholeResponse } from '../wire/response.ts';
import type { BatchRun } from './batch-run.ts';
import { isItems, readCreateBody } from './create-body.ts';
import type { NativeBatches } from './native-batches.ts';

export const BATCHES_PATH = '/v1/messages/batches';

/** Answers the Message Batches endpoints: create, list, retrieve, cancel, delete and results. */
export function answerBatches(
  hand: CallInHand,
  host: Host,
  batches: NativeBatches,
  place: string,
  query: URLSearchParams,
): void {
  const terms = readTerms(hand.call.headers);
  if (!isTerms(terms)) return host.refuseProblem(hand, terms);
  const [id = '', action = '', ...more] = place.slice(BATCHES_PATH.length + 1).split('/');
  const isCreate = id === '' && hand.call.method === 'POST';
  const body = isCreate ? readBody(hand.call.body, LIMITS.batchBodyBytes) : null;
  const fault = faultFor(hand, host, place, null, body?.text ?? '');
  if (fault !== null && strikesAtAdmission(fault) && strikeBeforeAnswer(fault, hand, host, 0)) return;
  const isKnown = more.length === 0 && ['', 'cancel', 'results'].includes(action);
  const answer = !isKnown
    ? ({ type: 'path_not_found', path: place } as const)
    : body !== null
      ? create(hand, batches, terms, body)
      : id === ''
        ? list(hand, batches, query)
        : answerOne(hand, batches, id, action);
  sendStruck(fault, hand, host, 'type' in answer ? errorResponse(wireError(answer), hand.requestId) : answer);
}

function list(hand: CallInHand, batches: NativeBatches, query: URLSearchParams): WholeResponse | Problem {
  const { method, path } = hand.call;
  if (method !== 'GET') return { type: 'method_not_allowed', method, path };
  const page = pageOf(
    batches.list(hand.owner).map((run) => batchOf(run, hand.call)),
    query,
  );
  return 'data' in page ? jsonResponse(page) : page;
}

function answerOne(hand: CallInHand, batches: NativeBatches, id: string, action: string): WholeResponse | Problem {
  const { method, path } = hand.call;
  const run = batches.find(hand.owner, id);
  if (run === undefined) return { type: 'batch_not_found', batchId: id };
  switch (`${method} ${action}`) {
    case 'GET ':
      return show(run, hand.call);
    case 'DELETE ':
      return remove(run, batches);
    case 'POST cancel':
      run.cancel();
      return show(run, hand.call);
    case 'GET results':
      return results(run);
    default:
      return { type: 'method_not_allowed', method, path };
  }
}

function create(hand: CallInHand, batches: NativeBatches, terms: CallTerms, body: Body): WholeResponse | Problem {
  if (body.type === 'unreadable') return body.problem;
  const items = readCreateBody(body.value);
  if (!isItems(items)) return items;
  const { 'anthropic-version': version, 'anthropic-beta': beta } = hand.call.headers;
  return show(
    batches.create(items, hand.owner, terms, { 'anthropic-version': version, 'anthropic-beta': beta }),
    hand.call,
  );
}

function remove(run: BatchRun, batches: NativeBatches): WholeResponse | Problem {
  if (run.record.status !== 'ended') return { type: 'batch_still_running', batchId: run.record.id };
  batches.delete(run);
  return jsonResponse({ id: run.record.id, type: 'message_batch_deleted' });
}

function results(run: BatchRun): WholeResponse | Problem {
  const { id, status, archivedAtUs } = run.record;
  if (status !== 'ended' || archivedAtUs !== null) return { type: 'results_not_available', batchId: id };
  return { status: 200, headers: { 'content-type': 'application/x-jsonl' }, body: Buffer.from(run.results) };
}

function show(run: BatchRun, call: SimulatorCall): WholeResponse {
  const response = jsonResponse(batchOf(run, call));
  if (run.record.status === 'ended' || run.latencyMs === 0) return response;
  return { ...response, headers: { ...JSON_HEADERS, 'retry-after': String(POLL_RETRY_AFTER_SECONDS) } };
}

/** A caller in the same process names no host, and is told the path alone. */
function batchOf(run: BatchRun, { headers }: SimulatorCall): MessageBatch {
  const host = headerOf(headers, 'host');
  const path = `${BATCHES_PATH}/${run.record.id}/results`;
  return messageBatch(run.record, { liveCounts: null, resultsUrl: host === '' ? path : `http://${host}${path}` });
}
