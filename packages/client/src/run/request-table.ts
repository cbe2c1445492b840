import { assert } from '@batchwright/core';
import { RESULT_TYPES, type ResultType } from '@batchwright/protocol';

/** Where the final result of a request lies. */
export interface ResultPlace {
  readonly batch: number;
  readonly offset: number;
  /** Of the line, without its end. */
  readonly bytes: number;
}

/** How good a result is: an answer that was taken before one that was not, and that before none. */
export type Rank = 0 | 1 | 2;

const NO_BATCH = 0xffff_ffff;
const OPEN = 0;
const RETRY = 1;
const SETTLED = 2;
const STATE_BITS = 0b11;
/** The type of the best result so far, from 1; 0: none yet. */
const TYPE_SHIFT = 2;
const TYPE_BITS = 0b111 << TYPE_SHIFT;
const REJECTED_BIT = 1 << 5;
const ASKED_AGAIN_BIT = 1 << 6;
const TOLD_BIT = 1 << 7;

/**
 * What is known of each request, in 23 bytes: which batch it is in, how often it was tried, where its best result lies,
 * and whether that is the last word. Nothing of a result itself.
 */
export class RequestTable {
  readonly count: number;
  readonly #batchOf: Uint32Array;
  readonly #resultBatch: Uint32Array;
  readonly #resultOffset: Float64Array;
  readonly #resultBytes: Uint32Array;
  readonly #attempts: Uint8Array;
  /** Of its attempts, those since the run was last reopened. */
  readonly #tries: Uint8Array;
  readonly #flags: Uint8Array;
  readonly #settled = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  #retrying = 0;

  constructor(count: number) {
    this.count = count;
    this.#batchOf = new Uint32Array(count).fill(NO_BATCH);
    this.#resultBatch = new Uint32Array(count).fill(NO_BATCH);
    this.#resultOffset = new Float64Array(count);
    this.#resultBytes = new Uint32Array(count);
    this.#attempts = new Uint8Array(count);
    this.#tries = new Uint8Array(count);
    this.#flags = new Uint8Array(count);
  }

  /** Requests that are settled, by outcome. */
  get counts(): Readonly<Record<ResultType, number>> {
    return { ...this.#settled };
  }

  get settledCount(): number {
    const { succeeded, errored, canceled, expired } = this.#settled;
    return succeeded + errored + canceled + expired;
  }

  /** How many are to be put into a batch again. */
  get retryingCount(): number {
    return this.#retrying;
  }

  /** Puts requests into a batch; each is in one at a time, the one that was planned last. */
  assign(requests: Uint32Array, batch: number): void {
    for (const request of requests) {
      assert(this.#state(request) !== SETTLED, () => `request ${request} is settled and put into batch ${batch}`);
      this.#batchOf[request] = batch;
      this.#setState(request, OPEN);
    }
  }

  /** Whether a batch is the last that a request was put into. */
  isIn(request: number, batch: number): boolean {
    return this.#batchOf[request] === batch;
  }

  /** The batch a request was put into last; -1: none. */
  batchOf(request: number): number {
    const batch = this.#batchOf[request] as number;
    return batch === NO_BATCH ? -1 : batch;
  }

  /** Whether a request waits for the result of the batch it is in. */
  isOpen(request: number): boolean {
    return this.#state(request) === OPEN;
  }

  /** Whether a request is to be put into a batch again. */
  isRetrying(request: number): boolean {
    return this.#state(request) === RETRY;
  }

  isSettled(request: number): boolean {
    return this.#state(request) === SETTLED;
  }

  attempts(request: number): number {
    return this.#attempts[request] as number;
  }

  /** How often a request was tried since the run was last reopened, if it ever was. */
  tries(request: number): number {
    return this.#tries[request] as number;
  }

  /** Counts another try; one before the run was reopened is none of those that it may have now. */
  countAttempt(request: number, isPast: boolean): void {
    this.#attempts[request] = Math.min(255, this.attempts(request) + 1);
    if (!isPast) this.#tries[request] = Math.min(255, this.tries(request) + 1);
  }

  /** Whether a request has an answer, taken or not. */
  hasSucceeded(request: number): boolean {
    return this.#type(request) === 'succeeded';
  }

  rank(request: number): Rank {
    if (this.#type(request) !== 'succeeded') return 0;
    return this.isRejected(request) ? 1 : 2;
  }

  /** Whether the best answer was not taken. */
  isRejected(request: number): boolean {
    return ((this.#flags[request] as number) & REJECTED_BIT) !== 0;
  }

  /** A result that is no worse than the best so far takes its place. */
  offer(request: number, type: ResultType, isRejected: boolean, place: ResultPlace): void {
    const rank = type !== 'succeeded' ? 0 : isRejected ? 1 : 2;
    if (this.#type(request) !== null && rank < this.rank(request)) return;
    this.#resultBatch[request] = place.batch;
    this.#resultOffset[request] = place.offset;
    this.#resultBytes[request] = place.bytes;
    const kept = (this.#flags[request] as number) & ~(TYPE_BITS | REJECTED_BIT);
    this.#flags[request] = kept | ((RESULT_TYPES.indexOf(type) + 1) << TYPE_SHIFT) | (isRejected ? REJECTED_BIT : 0);
  }

  /** Where the best result lies; null: there is none. */
  place(request: number): ResultPlace | null {
    if (this.#type(request) === null) return null;
    return {
      batch: this.#resultBatch[request] as number,
      offset: this.#resultOffset[request] as number,
      bytes: this.#resultBytes[request] as number,
    };
  }

  /** Whether a request is asked once more because its answer was not taken. */
  wasAskedAgain(request: number): boolean {
    return ((this.#flags[request] as number) & ASKED_AGAIN_BIT) !== 0;
  }

  markAskedAgain(request: number): void {
    this.#flags[request] = (this.#flags[request] as number) | ASKED_AGAIN_BIT;
  }

  /** Another try is called for. */
  retry(request: number): void {
    this.#setState(request, RETRY);
  }

  /** Its best result is the last word. */
  settle(request: number): void {
    this.#setState(request, SETTLED);
  }

  /** In the order of the input. */
  requestsToRetry(): Uint32Array {
    const requests = new Uint32Array(this.#retrying);
    let at = 0;
    for (let request = 0; request < this.count && at < requests.length; request++) {
      if (this.#state(request) === RETRY) requests[at++] = request;
    }
    return requests;
  }

  /** Whether a request is settled and nobody was told; from now on somebody was. */
  tell(request: number): boolean {
    const flags = this.#flags[request] as number;
    if ((flags & STATE_BITS) !== SETTLED || (flags & TOLD_BIT) !== 0) return false;
    this.#flags[request] = flags | TOLD_BIT;
    return true;
  }

  #state(request: number): number {
    return (this.#flags[request] as number) & STATE_BITS;
  }

  #setState(request: number, state: number): void {
    const flags = this.#flags[request] as number;
    const before = flags & STATE_BITS;
    if (before === state) return;
    assert(before !== SETTLED, () => `request ${request} is settled and changes`);
    this.#retrying += (state === RETRY ? 1 : 0) - (before === RETRY ? 1 : 0);
    this.#flags[request] = (flags & ~STATE_BITS) | state;
    const type = this.#type(request);
    if (state !== SETTLED) return;
    assert(type !== null, () => `request ${request} is settled without a result`);
    this.#settled[type] += 1;
  }

  #type(request: number): ResultType | null {
    return RESULT_TYPES[(((this.#flags[request] as number) & TYPE_BITS) >> TYPE_SHIFT) - 1] ?? null;
  }
}
