import type { PromptCache } from '../cache/prompt-cache.ts';
import type { CallInHand, Host } from '../host.ts';
import type { Pace } from '../pace.ts';
import type { BilledCall, Ledger, LedgerEntry } from './ledger.ts';

/** A call that is answered, as far as its account needs to know it. */
export interface AccountedCall extends BilledCall {
  readonly outputTokens: number;
  readonly pace: Pace;
}

/**
 * Settles one call with the cache, the ledger and the limits, however it ends: before its first byte it owes nothing
 * and leaves nothing; after it, all of its input, what it wrote and touched, and as much output as there was time for.
 */
export class CallAccount {
  readonly #hand: CallInHand;
  readonly #host: Host;
  readonly #call: AccountedCall;
  /** Those of the call's start: a reset in the meantime begins new ones. */
  readonly #cache: PromptCache;
  readonly #ledger: Ledger;
  #entry: LedgerEntry | null = null;
  #isPromised = false;
  #isClosed = false;

  constructor(hand: CallInHand, host: Host, call: AccountedCall) {
    this.#hand = hand;
    this.#host = host;
    this.#call = call;
    this.#cache = host.cache;
    this.#ledger = host.ledger;
    this.#cache.begin(call.turn);
    hand.exchange.settleWith(this);
  }

  /**
   * Goes on at a moment after the first byte, counted from the start. The first byte itself needs a timer only where
   * something becomes of it; else it is enough to know, in the end, that it came.
   */
  afterFirstByte(atMs: number, action: () => void): void {
    const { turn, pace } = this.#call;
    const { exchange } = this.#hand;
    this.#isPromised = turn.request.markers.length === 0;
    if (this.#isPromised) return exchange.after(atMs, action);
    exchange.after(pace.ttftMs, () => {
      this.firstByte();
      exchange.after(atMs - pace.ttftMs, action);
    });
  }

  /** The first byte is sent: the input is billed, and what was written and touched is so. */
  firstByte(): void {
    this.#bill(0);
  }

  /** The whole answer was produced. */
  complete(): void {
    const { outputTokens } = this.#call;
    if (this.#entry === null) this.#bill(outputTokens);
    this.#close(outputTokens);
  }

  /** The call is over, however it ended. */
  settle(): void {
    const { turn, pace } = this.#call;
    const nowMs = this.#host.clock.now();
    if (this.#isPromised && nowMs >= turn.startMs + pace.ttftMs) this.firstByte();
    if (this.#entry === null) return this.#cache.abandon(turn);
    this.#close(this.#producedBy(nowMs));
    this.#cache.end(turn, nowMs);
  }

  #bill(outputTokens: number): void {
    if (this.#entry !== null) return;
    this.#cache.firstByte(this.#call.turn, this.#host.clock.now());
    this.#entry = this.#ledger.open(this.#call, this.#hand, outputTokens);
  }

  #producedBy(nowMs: number): number {
    const { outputTokens, pace, turn } = this.#call;
    const decodingMs = pace.durationMs - pace.ttftMs;
    const share = decodingMs <= 0 ? 1 : (nowMs - turn.startMs - pace.ttftMs) / decodingMs;
    return Math.floor(outputTokens * Math.min(1, Math.max(0, share)));
  }

  #close(outputTokens: number): void {
    if (this.#isClosed || this.#entry === null) return;
    this.#isClosed = true;
    this.#host.limits.produced(this.#call.model, outputTokens, this.#host.clock.now());
    this.#ledger.close(this.#entry, outputTokens);
  }
}
