import { Buffer } from 'node:buffer';
import { isJsonObject } from '@batchwright/core';
import { wireError, errorEnvelope, type ErrorEnvelope, type ResultType } from '@batchwright/protocol';
import { Exchange, type SimulatorCall } from '../exchange.ts';
import { Hasher } from '../hash.ts';
import type { Host } from '../host.ts';
import type { Owner } from '../cache/scope.ts';
import { answerMessages } from '../messages-call.ts';
import type { BatchItem } from './create-body.ts';

/** What all items of a batch have in common. */
export interface ItemTerms {
  readonly batch: string;
  readonly owner: Owner;
  /** Those of the create call that bear on its items. */
  readonly headers: SimulatorCall['headers'];
}

/** A line of the results, without its end. */
export interface ItemOutcome {
  readonly type: ResultType;
  readonly line: string;
}

/** Runs one item as a call of its own, on the batch surface, and tells its line. The exchange may be cancelled. */
export function runItem(
  item: BatchItem,
  terms: ItemTerms,
  host: Host,
  onOutcome: (outcome: ItemOutcome) => void,
): Exchange {
  let status = 0;
  let text = '';
  const exchange = new Exchange(
    {
      onHead: (code) => (status = code),
      onData: (chunk) => (text += Buffer.from(chunk).toString('utf8')),
      onEnd: () => onOutcome(outcomeOf(item.customId, status, text)),
      onFailure: () => onOutcome(errored(item.customId, FAILED)),
    },
    host.clock,
    () => undefined,
  );
  const arrival = host.arrivals++;
  const body = Buffer.from(JSON.stringify(item.params));
  const id = new Hasher(host.seed).integer(arrival).integer(body.length).hex();
  const headers = { ...terms.headers, 'batchwright-surface': 'batch', 'batchwright-custom-id': item.customId };
  const call = { method: 'POST', path: '/v1/messages', headers, body };
  answerMessages(
    { call, exchange, arrival, id, requestId: `req_sim_${id}`, owner: terms.owner, batch: terms.batch },
    host,
  );
  return exchange;
}

/** The line of an item that was never answered. */
export function unanswered(item: BatchItem, type: 'canceled' | 'expired'): ItemOutcome {
  return { type, line: JSON.stringify({ custom_id: item.customId, result: { type } }) };
}

const FAILED = errorEnvelope(wireError({ type: 'unexpected' }), null);

function outcomeOf(customId: string, status: number, text: string): ItemOutcome {
  const body = parsed(text);
  if (status === 200 && isJsonObject(body)) {
    const line = `{"custom_id":${JSON.stringify(customId)},"result":{"type":"succeeded","message":${text}}}`;
    return { type: 'succeeded', line };
  }
  return errored(customId, isJsonObject(body) && status !== 200 ? asRow(body as unknown as ErrorEnvelope) : FAILED);
}

/** A row names an execution, if it came to one, and never the call. */
function asRow(envelope: ErrorEnvelope): ErrorEnvelope {
  const isExecution = envelope.request_id?.startsWith('workerreq_') === true;
  return isExecution ? envelope : { ...envelope, request_id: null };
}

function errored(customId: string, error: ErrorEnvelope): ItemOutcome {
  return { type: 'errored', line: JSON.stringify({ custom_id: customId, result: { type: 'errored', error } }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An answer that a fault cut short or made no JSON is no message.
    return undefined;
  }
}
