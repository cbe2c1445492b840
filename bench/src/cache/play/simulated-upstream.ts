import { chooseReplica, replicaSeed, TokenBucket, type ReplicaLoads } from '@batchwright/core';
import { PromptCache, type CacheOptions, type CacheRequest, type CacheTurn } from '@batchwright/simulator';

/** How long calls take: a base and the prefill of what is not read up to the first byte, then the answer. */
export interface Timing {
  readonly baseMs: number;
  readonly tokensPerMs: number;
  readonly answerMs: number;
}

export const USUAL_TIMING: Timing = { baseMs: 1000, tokensPerMs: 4, answerMs: 19_000 };

export interface UpstreamTerms {
  readonly timing: Timing;
  readonly cache?: Partial<CacheOptions> | undefined;
  /** Each with a cache of its own; core chooses the one a call goes to. */
  readonly replicas?: number | undefined;
  readonly limits?: { readonly requestsPerMinute: number; readonly inputTokensPerMinute: number } | undefined;
  /** What becomes of a call. */
  readonly fault?: ((call: FaultyCall) => Fault | null) | undefined;
  readonly seed?: number | undefined;
}

export interface FaultyCall {
  /** Calls are numbered as they start, from 0. */
  readonly nth: number;
  readonly isLeader: boolean;
}

/** `overloaded`: refused before its first byte, after a while. `mid_stream`: broken off half-way through its answer. */
export type Fault = 'overloaded' | 'mid_stream';

/** A call to be made. */
export interface UpstreamRequest {
  readonly request: CacheRequest;
  readonly isLeader: boolean;
  /** What it shares with the calls that had best meet it at one replica; null: nothing. */
  readonly affinity: number | null;
  /** How long its answer takes from the first byte on, if not as long as others. */
  readonly answerMs?: number | undefined;
}

/** What tells replicas apart. */
export function replicaSeeds(replicas: number): readonly number[] {
  return Array.from({ length: replicas }, (_, replica) => replicaSeed(`http://replica-${replica}:8000`));
}

/** A call that was admitted: what it found in the cache, when its first byte comes, and how it ends. */
export interface UpstreamCall {
  readonly turn: CacheTurn;
  readonly replica: number;
  /** Null: it fails at `endsAtMs` without one. */
  readonly firstByteAtMs: number | null;
  readonly endsAtMs: number;
  readonly fault: Fault | null;
}

export type Admission =
  | { readonly type: 'admitted'; readonly call: UpstreamCall }
  | { readonly type: 'rate_limited'; readonly retryAfterMs: number };

const OVERLOADED_AFTER_MS = 200;
const MINUTE_MS = 60_000;

/**
 * The simulator's own prompt cache with the times that calls take, rate limits and faults around it. It knows requests
 * by their blocks alone and nothing of plans and schedules, so that what it bills is evidence.
 */
export class SimulatedUpstream {
  readonly #terms: UpstreamTerms;
  readonly #caches: readonly PromptCache[];
  readonly #loads: ReplicaLoads & { readonly inFlight: Uint32Array };
  readonly #requests: TokenBucket | null;
  readonly #input: TokenBucket | null;
  #calls = 0;

  constructor(terms: UpstreamTerms) {
    const { limits, replicas = 1, seed = 1 } = terms;
    this.#terms = terms;
    this.#caches = Array.from({ length: replicas }, (_, replica) => new PromptCache(terms.cache, seed + replica));
    this.#loads = { seeds: replicaSeeds(replicas), inFlight: new Uint32Array(replicas), isOpen: () => true };
    this.#requests = limits === undefined ? null : new TokenBucket(limits.requestsPerMinute, MINUTE_MS, 0);
    this.#input = limits === undefined ? null : new TokenBucket(limits.inputTokensPerMinute, MINUTE_MS, 0);
  }

  start({ request, isLeader, affinity, answerMs }: UpstreamRequest, nowMs: number): Admission {
    const replica = chooseReplica(affinity, this.#loads, this.#calls % this.#caches.length);
    const cache = this.#caches[replica]!;
    const turn = cache.look(request, nowMs);
    const retryAfterMs = this.#admit(turn, nowMs);
    if (retryAfterMs > 0) return { type: 'rate_limited', retryAfterMs };
    const fault = this.#terms.fault?.({ nth: this.#calls, isLeader }) ?? null;
    this.#calls += 1;
    this.#loads.inFlight[replica]! += 1;
    cache.begin(turn);
    const ownMs = answerMs ?? this.#terms.timing.answerMs;
    return { type: 'admitted', call: this.#timed(turn, replica, fault, nowMs, ownMs) };
  }

  firstByte({ turn, replica }: UpstreamCall, nowMs: number): void {
    this.#caches[replica]!.firstByte(turn, nowMs);
  }

  /** The call is over; `sawFirstByte` says whether anything came of it. */
  end({ turn, replica }: UpstreamCall, sawFirstByte: boolean, nowMs: number): void {
    this.#loads.inFlight[replica]! -= 1;
    if (sawFirstByte) this.#caches[replica]!.end(turn, nowMs);
    else this.#caches[replica]!.abandon(turn);
  }

  #timed(turn: CacheTurn, replica: number, fault: Fault | null, nowMs: number, answerMs: number): UpstreamCall {
    if (fault === 'overloaded') {
      return { turn, replica, firstByteAtMs: null, endsAtMs: nowMs + OVERLOADED_AFTER_MS, fault };
    }
    const { baseMs, tokensPerMs } = this.#terms.timing;
    const firstByteAtMs = nowMs + baseMs + unreadTokens(turn) / tokensPerMs;
    const answeredMs = fault === 'mid_stream' ? answerMs / 2 : answerMs;
    return { turn, replica, firstByteAtMs, endsAtMs: firstByteAtMs + answeredMs, fault };
  }

  /** 0 when the call is within the limits, and then it is counted; else how long to wait, in whole seconds. */
  #admit(turn: CacheTurn, nowMs: number): number {
    if (this.#requests === null || this.#input === null) return 0;
    // More than a whole minute's tokens waits for a full bucket, and not for ever.
    const tokens = Math.min(unreadTokens(turn), this.#input.capacity);
    const waitMs = Math.max(this.#requests.waitMs(1, nowMs), this.#input.waitMs(tokens, nowMs));
    if (waitMs > 0) return Math.ceil(waitMs / 1000) * 1000;
    this.#requests.take(1, nowMs);
    this.#input.take(tokens, nowMs);
    return 0;
  }
}

export function unreadTokens({ bill }: CacheTurn): number {
  return bill.inputTokens + bill.write5mTokens + bill.write1hTokens;
}
