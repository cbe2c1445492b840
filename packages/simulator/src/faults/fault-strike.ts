import { Buffer } from 'node:buffer';
import type { Model } from '@batchwright/protocol';
import type { CallInHand, Host } from '../host.ts';
import { errorResponse, type WholeResponse } from '../wire/response.ts';
import { effectOf, phaseOf, type FaultEffect } from './fault-answer.ts';
import type { FaultRule } from './fault-rule.ts';

/** The rule that strikes this call, or null. To be asked once for each call. */
export function faultFor(
  hand: CallInHand,
  host: Host,
  path: string,
  model: string | null,
  body: string,
): FaultRule | null {
  if (host.faultBook.entries().length === 0) return null;
  const customId = hand.call.headers['batchwright-custom-id'];
  return host.faultBook.strike({
    method: hand.call.method,
    path,
    customId: typeof customId === 'string' ? customId : null,
    model,
    body,
    arrival: hand.arrival,
    elapsedMs: host.elapsedMs(),
  });
}

/**
 * Does what a fault does before anything of the answer is sent, now, whenever its phase says that now is; answers
 * false when the fault is not of that sort, and the answer is to go its own way.
 */
export function strikeBeforeAnswer(rule: FaultRule, hand: CallInHand, host: Host, delayMs: number): boolean {
  const effect = effectOf(rule);
  switch (effect.type) {
    case 'error':
      hand.exchange.after(delayMs, () => host.send(hand, errorResponse(effect.error, hand.requestId), null));
      return true;
    case 'reset':
      hand.exchange.after(delayMs, () => hand.exchange.fail(CONNECTION_RESET, false));
      return true;
    case 'stall':
      return true;
    case 'truncated':
    case 'invalid_json':
    case 'slow':
      return false;
    default:
      return effect satisfies never;
  }
}

export const CONNECTION_RESET = 'The connection was reset. (simulated fault)';

/** Sends what a fault makes of a whole response that is on its way, now. */
export function sendBroken(
  effect: BreakingEffect,
  hand: CallInHand,
  host: Host,
  response: WholeResponse,
  model: Model | null,
): void {
  const { exchange } = hand;
  // Nothing of the response was sent yet, so an error can still be a proper one.
  if (effect.type === 'error') return host.send(hand, errorResponse(effect.error, hand.requestId), model);
  const { status, headers, body } = response;
  exchange.head(status, host.headersFor(headers, hand, model));
  exchange.data(effect.type === 'invalid_json' ? NOT_JSON : body.subarray(0, body.length >> 1));
  if (effect.type === 'reset') exchange.fail(CONNECTION_RESET, false);
  else if (effect.type !== 'stall') exchange.end();
}

/** What spoils a response; a slow one is whole. */
export type BreakingEffect = Exclude<FaultEffect, { type: 'slow' }>;

/** What a broken proxy says with a 200. */
const NOT_JSON = Buffer.from('<html><body>502 Bad Gateway (simulated fault)</body></html>');

/** Sends the response to a call that has had its effect, or what a fault makes of it. */
export function sendStruck(rule: FaultRule | null, hand: CallInHand, host: Host, response: WholeResponse): void {
  if (rule === null) return host.sendNext(hand, response);
  if (phaseOf(rule) !== 'mid_stream' && strikeBeforeAnswer(rule, hand, host, 0)) return;
  const effect = effectOf(rule);
  if (effect.type === 'slow') hand.exchange.after(effect.ms, () => host.send(hand, response, null));
  else hand.exchange.after(0, () => sendBroken(effect, hand, host, response, null));
}

/** Faults of the calls that change nothing and are answered at once: whatever the phase, they strike before the answer. */
export function strikeOther(hand: CallInHand, host: Host, path: string, model: string | null, body: string): boolean {
  const rule = faultFor(hand, host, path, model, body);
  return rule !== null && strikeBeforeAnswer(rule, hand, host, 0);
}

/** Whether a fault strikes before the request is even looked at. */
export function strikesAtAdmission(rule: FaultRule): boolean {
  return phaseOf(rule) === 'admission';
}
