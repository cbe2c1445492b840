import type { Model } from '@batchwright/protocol';
import type { CacheTurn, PromptCache } from '../cache/prompt-cache.ts';
import { headerOf } from '../terms.ts';
import type { CallInHand, Host } from '../host.ts';
import type { Pace } from '../pace.ts';
import type { SimulatedMessage, Surface } from '../wire/message.ts';
import type { BilledCall, Ledger, LedgerEntry } from './ledger.ts';

/** A call that is answered, as far as its account needs to know it. */
export interface AccountedCall {
  readonly model: Model;
  readonly surface: Surface;
  readonly message: SimulatedMessage;
  readonly turn: CacheTurn;
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
  readonly #startMs: number;
  #entry: LedgerEntry | null = null;
  #isPromised = false;
  #isClosed = false;

  constructor(hand: CallInHand, host: Host, call: AccountedCall) {
    this.#hand = hand;
    this.#host = host;
    this.#call = call;
    this.#cache = host.cache;
    this.#ledger = host.ledger;
    this.#startMs = call.turn.startMs;
    this.#cache.begin(call.turn);
    hand.exchange.settleWith(() => this.#settle());
  }

  /** Whether somebody might see the first byte's effect, so that it has to be told at its moment. */
  get isWatched(): boolean {
    return this.#call.turn.request.markers.length > 0;
  }

  /** The first byte will come at its moment, and will not be told. */
  promiseFirstByte(): void {
    this.#isPromised = true;
  }

  firstByte(): void {
    if (this.#entry !== null) return;
    const { turn } = this.#call;
    this.#cache.firstByte(turn, this.#host.clock.now());
    this.#entry = this.#ledger.open(this.#billedCall(), turn);
  }

  /** The whole answer was produced. */
  complete(): void {
    this.firstByte();
    this.#close(this.#call.message.usage.output_tokens);
  }

  #settle(): void {
    const { turn, pace } = this.#call;
    const nowMs = this.#host.clock.now();
    if (this.#isPromised && nowMs >= this.#startMs + pace.ttftMs) this.firstByte();
    if (this.#entry === null) return this.#cache.abandon(turn);
    this.#close(this.#producedBy(nowMs));
    this.#cache.end(turn, nowMs);
  }

  #producedBy(nowMs: number): number {
    const { message, pace } = this.#call;
    const decodingMs = pace.durationMs - pace.ttftMs;
    const share = decodingMs <= 0 ? 1 : (nowMs - this.#startMs - pace.ttftMs) / decodingMs;
    return Math.floor(message.usage.output_tokens * Math.min(1, Math.max(0, share)));
  }

  #close(outputTokens: number): void {
    if (this.#isClosed || this.#entry === null) return;
    this.#isClosed = true;
    this.#host.limits.produced(this.#call.model, outputTokens, this.#host.clock.now());
    this.#ledger.close(this.#entry, outputTokens);
  }

  #billedCall(): BilledCall {
    const { requestId, owner, call } = this.#hand;
    const { model, surface, message } = this.#call;
    return {
      requestId,
      customId: headerOf(call.headers, 'batchwright-custom-id') || null,
      workspace: owner.workspace,
      model: model.id,
      surface,
      inferenceGeo: message.usage.inference_geo ?? 'not_available',
      atMs: this.#startMs,
    };
  }
}
