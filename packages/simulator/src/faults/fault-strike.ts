import type { CallInHand, Host } from '../host.ts';
import { errorResponse } from '../wire/response.ts';
import { effectOf, phaseOf } from './fault-answer.ts';
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

/** Faults of the calls that are answered at once: whatever the phase, they strike before the answer. */
export function strikeOther(hand: CallInHand, host: Host, path: string, model: string | null, body: string): boolean {
  const rule = faultFor(hand, host, path, model, body);
  return rule !== null && strikeBeforeAnswer(rule, hand, host, 0);
}

/** Whether a fault strikes before the request is even looked at. */
export function strikesAtAdmission(rule: FaultRule): boolean {
  return phaseOf(rule) === 'admission';
}
