import { Buffer } from 'node:buffer';
import { effectOf, phaseOf, type FaultEffect } from './faults/fault-answer.ts';
import type { FaultRule } from './faults/fault-rule.ts';
import { CONNECTION_RESET, sendBroken, strikeBeforeAnswer, type BreakingEffect } from './faults/fault-strike.ts';
import type { CallInHand, Host } from './host.ts';
import { CallAccount, type AccountedCall } from './ledger/call-account.ts';
import type { Pace } from './pace.ts';
import { errorEvent, eventStream } from './wire/event-stream.ts';
import type { SimulatedMessage } from './wire/message.ts';
import { EVENT_STREAM_HEADERS, jsonResponse } from './wire/response.ts';

/** An answer that is decided and now has only to be told. */
export interface Delivery extends AccountedCall {
  readonly message: SimulatedMessage;
  readonly isStream: boolean;
  readonly fault: FaultRule | null;
}

/** Tells an answer at its pace, whole or as a stream, or fails on the way as its fault says. */
export function deliver(hand: CallInHand, host: Host, delivery: Delivery): void {
  const { fault } = delivery;
  const effect = fault === null ? null : effectOf(fault);
  const timely = effect?.type === 'slow' ? { ...delivery, pace: later(delivery.pace, effect.ms) } : delivery;
  const account = new CallAccount(hand, host, timely);
  if (fault !== null && phaseOf(fault) !== 'mid_stream') {
    const delayMs = phaseOf(fault) === 'admission' ? 0 : timely.pace.ttftMs;
    if (strikeBeforeAnswer(fault, hand, host, delayMs)) return;
  }
  const telling = { hand, host, account, delivery: timely };
  if (delivery.isStream) stream(telling, effect);
  else tellWhole(telling, effect);
}

interface Telling {
  readonly hand: CallInHand;
  readonly host: Host;
  readonly account: CallAccount;
  readonly delivery: Delivery;
}

function later(pace: Pace, ms: number): Pace {
  return { ttftMs: pace.ttftMs + ms, durationMs: pace.durationMs + ms };
}

function tellWhole(telling: Telling, effect: FaultEffect | null): void {
  const { hand, host, account, delivery } = telling;
  if (effect !== null && effect.type !== 'slow') return tellBroken(telling, effect);
  account.afterFirstByte(delivery.pace.durationMs, () => {
    account.complete();
    host.send(hand, jsonResponse(delivery.message), delivery.model);
  });
}

/** An answer that was not asked to stream and goes wrong once it is on its way. */
function tellBroken({ hand, host, account, delivery }: Telling, effect: BreakingEffect): void {
  const { message, model, pace } = delivery;
  const halfwayMs = (pace.ttftMs + pace.durationMs) / 2;
  const isWhole = effect.type === 'truncated' || effect.type === 'invalid_json';
  account.afterFirstByte(isWhole ? pace.durationMs : halfwayMs, () =>
    sendBroken(effect, hand, host, jsonResponse(message), model),
  );
}

function stream({ hand, host, account, delivery }: Telling, effect: FaultEffect | null): void {
  const { message, model, pace } = delivery;
  const { exchange } = hand;
  const { first, rest } = eventStream(message);
  const stepMs = (pace.durationMs - pace.ttftMs) / rest.length;
  const breaksAt = effect === null || effect.type === 'slow' ? null : rest.length >> 1;
  const tell = (next: number): void => {
    const frame = rest[next];
    if (frame === undefined) {
      account.complete();
      return exchange.end();
    }
    if (next === breaksAt && effect !== null) return breakStream(hand, effect);
    exchange.after(stepMs, () => {
      exchange.data(frame);
      tell(next + 1);
    });
  };
  exchange.after(pace.ttftMs, () => {
    // Before it is sent: whoever hears of it may ask for the same prefix at once.
    account.firstByte();
    exchange.head(200, host.headersFor(EVENT_STREAM_HEADERS, hand, model));
    exchange.data(first);
    tell(0);
  });
}

function breakStream(hand: CallInHand, effect: FaultEffect): void {
  const { exchange } = hand;
  switch (effect.type) {
    case 'error':
      exchange.data(errorEvent(effect.error, hand.requestId));
      return exchange.end();
    case 'invalid_json':
      exchange.data(Buffer.from('event: content_block_delta\ndata: {"type":"content_block_\n\n'));
      return exchange.end();
    case 'truncated':
      return exchange.end();
    case 'reset':
      return exchange.fail(CONNECTION_RESET, false);
    case 'stall':
    case 'slow':
      return;
    default:
      return effect satisfies never;
  }
}
