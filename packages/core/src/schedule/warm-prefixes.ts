import { widened } from './growing-array.ts';
import { WARM_STATE } from './warm-state.ts';

/** What is kept of each prefix of a scope, in columns: about seventy bytes a prefix, and none of them an object. */
export class WarmPrefixes {
  readonly #numbers = new Map<number, number>();
  readonly #free: number[] = [];
  #used = 0;
  hash = new Float64Array(FIRST_CAPACITY);
  state = new Uint8Array(FIRST_CAPACITY);
  /** Which lesson its model has. */
  lesson = new Uint16Array(FIRST_CAPACITY);
  /** Estimated. */
  tokens = new Uint32Array(FIRST_CAPACITY);
  ttlMs = new Float64Array(FIRST_CAPACITY);
  /** Calls that would write it and have not shown their first byte. */
  leaders = new Uint16Array(FIRST_CAPACITY);
  /** When its leader, or the followers sent to try it, have been silent for too long. */
  deadlineMs = new Float64Array(FIRST_CAPACITY);
  warmSinceMs = new Float64Array(FIRST_CAPACITY);
  /** Until then its followers wait although it is warm. */
  settledAtMs = new Float64Array(FIRST_CAPACITY);
  /** Followers that may go before one of those that went has shown its first byte; -1: as many as there are. */
  permits = new Int32Array(FIRST_CAPACITY);
  /** Start of the last use that reached its first byte. */
  usedMs = new Float64Array(FIRST_CAPACITY);
  /** Start of the last use, whatever becomes of it. */
  askedMs = new Float64Array(FIRST_CAPACITY);
  /** Tokens that followers read of it; 0: none has yet. */
  measured = new Uint32Array(FIRST_CAPACITY);
  /** 1: its expiry is in the heap. */
  isTimed = new Uint8Array(FIRST_CAPACITY);

  /** Prefixes known. */
  get size(): number {
    return this.#numbers.size;
  }

  /** Numbers ever given out: none is as high. */
  get end(): number {
    return this.#used;
  }

  numberOf(hash: number): number | undefined {
    return this.#numbers.get(hash);
  }

  isKnown(prefix: number): boolean {
    return this.#numbers.get(this.hash[prefix] as number) === prefix;
  }

  /** Makes a prefix known; it is cold. */
  add(hash: number): number {
    const prefix = this.#free.pop() ?? this.#used++;
    if (prefix === this.hash.length) this.#widen();
    this.#numbers.set(hash, prefix);
    this.hash[prefix] = hash;
    this.state[prefix] = WARM_STATE.cold;
    this.usedMs[prefix] = Number.NEGATIVE_INFINITY;
    this.askedMs[prefix] = Number.NEGATIVE_INFINITY;
    for (const column of [this.leaders, this.measured, this.isTimed, this.deadlineMs]) column[prefix] = 0;
    return prefix;
  }

  remove(prefix: number): void {
    this.#numbers.delete(this.hash[prefix] as number);
    this.state[prefix] = WARM_STATE.cold;
    this.#free.push(prefix);
  }

  #widen(): void {
    const length = 2 * this.hash.length;
    this.hash = widened(this.hash, length);
    this.state = widened(this.state, length);
    this.lesson = widened(this.lesson, length);
    this.tokens = widened(this.tokens, length);
    this.ttlMs = widened(this.ttlMs, length);
    this.leaders = widened(this.leaders, length);
    this.deadlineMs = widened(this.deadlineMs, length);
    this.warmSinceMs = widened(this.warmSinceMs, length);
    this.settledAtMs = widened(this.settledAtMs, length);
    this.permits = widened(this.permits, length);
    this.usedMs = widened(this.usedMs, length);
    this.askedMs = widened(this.askedMs, length);
    this.measured = widened(this.measured, length);
    this.isTimed = widened(this.isTimed, length);
  }
}

const FIRST_CAPACITY = 64;
