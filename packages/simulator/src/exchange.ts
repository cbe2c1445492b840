import type { Clock, Timer } from '@batchwright/core';

/** One HTTP-shaped call, as it arrives. Header names are lower-case. */
export interface SimulatorCall {
  readonly method: string;
  /** Path and query, from `/v1`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | null;
}

export type ResponseHeaders = Readonly<Record<string, string>>;

/** What a caller hears. Exactly one of `onEnd` and `onFailure` comes last, unless the call is cancelled first. */
export interface SimulatorEvents {
  onHead(status: number, headers: ResponseHeaders): void;
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  onFailure(reason: string, timeout: boolean): void;
}

/** What is owed for a call. */
interface Account {
  /** The call is over, however it ended. */
  settle(): void;
}

export type ExchangeOutcome = 'in_flight' | 'ended' | 'failed' | 'cancelled';

/**
 * One call in flight: what it still waits for, and the promise that after its end or its cancellation nothing more is
 * heard of it. A stalled exchange waits for nothing and ends only when it is cancelled.
 */
export class Exchange {
  readonly #events: SimulatorEvents;
  readonly #clock: Clock;
  readonly #onOver: (exchange: Exchange) => void;
  #account: Account | null = null;
  #timer: Timer | null = null;
  /** The status sent, or null while none was. */
  status: number | null = null;
  outcome: ExchangeOutcome = 'in_flight';

  constructor(events: SimulatorEvents, clock: Clock, onOver: (exchange: Exchange) => void) {
    this.#events = events;
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** What is owed is settled just before the end is told. At most one thing settles it. */
  settleWith(account: Account): void {
    this.#account = account;
  }

  /** Goes on after a delay. One thing at a time: a second call replaces the first. */
  after(delayMs: number, action: () => void): void {
    if (this.outcome !== 'in_flight') return;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(delayMs, action);
  }

  head(status: number, headers: ResponseHeaders): void {
    if (this.outcome !== 'in_flight') return;
    this.status = status;
    this.#events.onHead(status, headers);
  }

  data(chunk: Uint8Array): void {
    if (this.outcome === 'in_flight') this.#events.onData(chunk);
  }

  end(): void {
    if (this.#finish('ended')) this.#events.onEnd();
  }

  fail(reason: string, timeout: boolean): void {
    if (this.#finish('failed')) this.#events.onFailure(reason, timeout);
  }

  /** Head, body and end at once. */
  reply(status: number, headers: ResponseHeaders, body: Uint8Array): void {
    this.head(status, headers);
    this.data(body);
    this.end();
  }

  cancel(): void {
    this.#finish('cancelled');
  }

  /** Over before it is told: what the last event leads to must find the exchange gone. */
  #finish(outcome: ExchangeOutcome): boolean {
    if (this.outcome !== 'in_flight') return false;
    this.outcome = outcome;
    this.#timer?.cancel();
    this.#timer = null;
    this.#account?.settle();
    this.#onOver(this);
    return true;
  }
}
