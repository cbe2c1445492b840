import type { Clock } from '@batchwright/core';
import { ServiceError } from '../service/batch-service.ts';
import type { Stop } from './stop.ts';

/** Calls to a server of many batches are at least this far apart, so that following them is no storm. */
const CALL_SPACING_MS = 100;
/** Nobody waits longer for a turn, as all would for a clock that was set back and stands still. */
const LONGEST_TURN_MS = 10_000;
const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 60_000;
/** What answers and cannot be read is a proxy in trouble, or no API at all: half a minute tells one from the other. */
const MOST_UNREADABLE = 5;

/** A wait that doubles with each try up to a most, shifted by up to a quarter either way so that many do not come at once. */
export function growingWait(tries: number, firstMs: number, mostMs: number, random: () => number): number {
  return shifted(Math.min(mostMs, firstMs * 2 ** Math.min(tries, 30)), random);
}

/** A wait shifted by up to a quarter either way. */
export function shifted(ms: number, random: () => number): number {
  return ms * (0.75 + random() / 2);
}

/** Calls that are made again until they are answered: a network or a server that is away for a while ends no run. */
export class ServiceCalls {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stop: Stop;
  readonly #told: (waitingFor: string | null, remedy?: string | null) => void;
  #freeAtMs = 0;

  /** `told`: what a call waits for, in a line for people, and what helps; null: nothing any more. */
  constructor(
    clock: Clock,
    random: () => number,
    stop: Stop,
    told: (waitingFor: string | null, remedy?: string | null) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#stop = stop;
    this.#told = told;
  }

  /** Makes a call until it is answered, or fails in a way that stays. */
  async make<Value>(call: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    let unreadable = 0;
    for (let tries = 0; ; tries++) {
      try {
        const value = await this.#stop.during(call);
        if (tries > 0) this.#told(null);
        return value;
      } catch (error) {
        this.#stop.throwIfStopped();
        if (!(error instanceof ServiceError)) throw error;
        if (!isTransient(error) && !(isUnreadable(error) && unreadable++ < MOST_UNREADABLE)) throw error;
        const waitMs = error.retryAfterMs ?? growingWait(tries, FIRST_RETRY_MS, MOST_RETRY_MS, this.#random);
        this.#told(`${error.brief}; next try in ${seconds(waitMs)}`, error.remedy);
        await this.pause(waitMs);
      }
    }
  }

  /** Waits for a call's turn. */
  async turn(): Promise<void> {
    const nowMs = this.#clock.now();
    const atMs = Math.min(Math.max(nowMs, this.#freeAtMs), nowMs + LONGEST_TURN_MS);
    this.#freeAtMs = atMs + CALL_SPACING_MS;
    if (atMs > nowMs) await this.pause(atMs - nowMs);
  }

  pause(ms: number): Promise<void> {
    return this.#stop.until((resume) => {
      const timer = this.#clock.after(ms, resume);
      return () => timer.cancel();
    });
  }
}

/** A time to wait, for people. */
export function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1000))} s`;
}

/** No answer, or one that says that it may be another later. */
function isTransient({ status }: ServiceError): boolean {
  return status === null || status >= 500 || TRANSIENT_STATUSES.has(status);
}

/** A good status, and not what was asked for. */
function isUnreadable({ status }: ServiceError): boolean {
  return status !== null && status >= 200 && status < 300;
}

const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 409, 425, 429]);
