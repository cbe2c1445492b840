/**
 * The cap of a batch in money. What a request is expected to cost is reserved before it goes and replaced by its bill when
 * it has been answered; nothing goes whose reservation no longer fits.
 *
 * Invariant: spent is never above the cap by more than what the answers to requests in flight cost beyond what was
 * reserved for them, unless the cap itself was lowered. SPEC.md K1–K7.
 */
import type { TokenCounts } from './bill.ts';

/** What can be told of a request's prompt before it goes, in estimated tokens. */
export interface ExpectedPrompt {
  /** Of its deepest prefix worth caching; 0 for a request that shares none. */
  readonly prefixTokens: number;
  /** How the prefix will be billed, the dearest way it can meet: read from the cache, or written for as long as this. */
  readonly prefix: 'read' | MarkedFor;
  /** All that comes after it. */
  readonly restTokens: number;
  /** Whether the rest bears markers of its own, and so is written. */
  readonly rest: 'input' | MarkedFor;
}

/** How long a marker asks a prefix to be kept. */
export type MarkedFor = 'write5m' | 'write1h';

/** The tokens that a request is expected to be billed for. */
export function expectedTokens(prompt: ExpectedPrompt, outputTokens: number): TokenCounts {
  const { prefixTokens, prefix, restTokens, rest } = prompt;
  const written = (ttl: MarkedFor): number => (prefix === ttl ? prefixTokens : 0) + (rest === ttl ? restTokens : 0);
  return {
    inputTokens: rest === 'input' ? restTokens : 0,
    write5mTokens: written('write5m'),
    write1hTokens: written('write1h'),
    readTokens: prefix === 'read' ? prefixTokens : 0,
    outputTokens,
  };
}

/** What a batch has used already, of all answers in its ledger. */
export interface SpentSoFar {
  readonly nanoUsd: number;
  readonly answers: number;
  readonly outputTokens: number;
}

/** Taken for the length of an answer until one was seen. */
const FIRST_ANSWER_TOKENS = 1024;

/** A batch's cap, what was spent, and what is reserved for requests in flight, in nano-dollars. */
export class BatchBudget {
  readonly #reservations = new Map<number, number>();
  #capNanoUsd: number | null;
  #spentNanoUsd: number;
  #reservedNanoUsd = 0;
  #answers: number;
  #outputTokens: number;
  #isHeld = false;

  constructor(capNanoUsd: number | null, spent: SpentSoFar) {
    this.#capNanoUsd = capNanoUsd;
    this.#spentNanoUsd = spent.nanoUsd;
    this.#answers = spent.answers;
    this.#outputTokens = spent.outputTokens;
  }

  /** Null: nothing is held back, and nothing reserved. */
  get capNanoUsd(): number | null {
    return this.#capNanoUsd;
  }

  get spentNanoUsd(): number {
    return this.#spentNanoUsd;
  }

  get reservedNanoUsd(): number {
    return this.#reservedNanoUsd;
  }

  /** Whether a request was refused its reservation, and nothing has changed since that could let it go. */
  get isExhausted(): boolean {
    return this.#isHeld;
  }

  /** How long an answer is expected to be: as the mean so far, and no longer than `max_tokens` if that is known. */
  answerTokens(maxTokens: number | null): number {
    const usual = this.#answers === 0 ? FIRST_ANSWER_TOKENS : Math.ceil(this.#outputTokens / this.#answers);
    return maxTokens === null ? usual : Math.min(usual, maxTokens);
  }

  mayStart(expectedNanoUsd: number): boolean {
    const cap = this.#capNanoUsd;
    return cap === null || this.#spentNanoUsd + this.#reservedNanoUsd + expectedNanoUsd <= cap;
  }

  /** Reserves what a request is expected to cost; false, and exhausted from then on, when that does not fit. */
  reserve(request: number, expectedNanoUsd: number): boolean {
    if (this.#capNanoUsd === null) return true;
    this.release(request);
    this.#isHeld = !this.mayStart(expectedNanoUsd);
    if (this.#isHeld) return false;
    this.#reservations.set(request, expectedNanoUsd);
    this.#reservedNanoUsd += expectedNanoUsd;
    return true;
  }

  /** The request came to nothing, and cost nothing. */
  release(request: number): void {
    const reserved = this.#reservations.get(request);
    if (reserved === undefined) return;
    this.#reservations.delete(request);
    this.#reservedNanoUsd -= reserved;
    this.#isHeld = false;
  }

  /** The request was answered: its bill takes the place of its reservation. */
  settle(request: number, actualNanoUsd: number, outputTokens: number): void {
    this.release(request);
    this.#spentNanoUsd += actualNanoUsd;
    this.#answers += 1;
    this.#outputTokens += outputTokens;
  }

  /** Raises, lowers or lifts the cap. What is in flight stays so. */
  setCap(capNanoUsd: number | null): void {
    if (capNanoUsd === this.#capNanoUsd) return;
    this.#capNanoUsd = capNanoUsd;
    this.#isHeld = false;
  }
}
