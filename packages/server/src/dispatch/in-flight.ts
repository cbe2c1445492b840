import type { TurnReason, UpstreamAnswer } from '@batchwright/core';
import type { Shard } from '../schedule/shard.ts';
import type { Attempt, AttemptEvents } from './attempt.ts';
import type { CallHeaders } from './call-headers.ts';
import type { StartUsage } from './streamed-message.ts';

/** A shard that is dispatched, and which of its requests are under way. */
export interface ShardInFlight {
  readonly shard: Shard;
  readonly headers: CallHeaders;
  readonly attempts: Set<InFlight>;
}

/** What happens to a request in flight. */
export interface InFlightEvents {
  firstByte(call: Attempt): void;
  /** A streamed answer has begun. */
  answers(attempt: InFlight, usage: StartUsage | null, call: Attempt): void;
  /** The attempt is over. `call` is null when nothing was sent; for `succeeded`, `body` holds the answer's bytes. */
  answered(attempt: InFlight, answer: UpstreamAnswer, call: Attempt | null, body?: Uint8Array): void;
}

/** A request that holds one of the places in flight: being read, or being answered. */
export class InFlight implements AttemptEvents {
  readonly turn: ShardInFlight;
  readonly request: number;
  /** Of its params. */
  readonly bytes: number;
  /** Why it went. */
  readonly reason: TurnReason;
  /** Others wait for what it writes to the cache. */
  readonly leads: boolean;
  /** It is to read its prefix from the cache. */
  readonly isWarm: boolean;
  /** Of a paused upstream. */
  readonly isProbe: boolean;
  readonly #events: InFlightEvents;
  call: Attempt | null = null;
  /** Its params as the spool handed them out. */
  params: Uint8Array | null = null;
  /** Its answer is asked for as a stream. */
  isStreamed = false;
  isOver = false;

  constructor(
    place: Pick<InFlight, 'turn' | 'request' | 'bytes' | 'reason' | 'leads' | 'isWarm' | 'isProbe'>,
    events: InFlightEvents,
  ) {
    this.turn = place.turn;
    this.request = place.request;
    this.bytes = place.bytes;
    this.reason = place.reason;
    this.leads = place.leads;
    this.isWarm = place.isWarm;
    this.isProbe = place.isProbe;
    this.#events = events;
  }

  cancel(): void {
    this.call?.cancel();
  }

  onFirstByte(call: Attempt): void {
    this.#events.firstByte(call);
  }

  onStart(call: Attempt, usage: StartUsage | null): void {
    this.#events.answers(this, usage, call);
  }

  onAnswer(call: Attempt, answer: UpstreamAnswer, body: Uint8Array): void {
    this.#events.answered(this, answer, call, body);
  }
}
