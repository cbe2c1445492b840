import { PUBLISHED_MODELS, type Clock, type ModelTable } from '@batchwright/core';
import { wireError, type Model, type Problem, type WireError } from '@batchwright/protocol';
import { DEFAULT_CACHE, type CacheOptions } from './cache/cache-options.ts';
import { PromptCache } from './cache/prompt-cache.ts';
import { DEFAULT_OWNER, type Owner } from './cache/scope.ts';
import type { Exchange, ResponseHeaders, SimulatorCall } from './exchange.ts';
import { FaultBook } from './faults/fault-book.ts';
import { seedOf } from './hash.ts';
import { Ledger } from './ledger/ledger.ts';
import { RateLimits } from './limits/rate-limits.ts';
import { DEFAULT_PROFILE, type SimulatorOptions, type SimulatorProfile } from './options.ts';
import { errorResponse, type WholeResponse } from './wire/response.ts';

/** One call on its way, with what its answer needs. */
export interface CallInHand {
  readonly call: SimulatorCall;
  readonly exchange: Exchange;
  /** How many calls came before it. */
  readonly arrival: number;
  /** 16 hex digits, its own. */
  readonly id: string;
  readonly requestId: string;
  readonly owner: Owner;
  /** The native batch it is an item of, if it is one. */
  readonly batch: string | null;
}

/** What every call meets: the clock, the seed, the limits, the cache, the ledger, the faults, and the way a response leaves. */
export class Host {
  readonly seed: number;
  readonly profile: SimulatorProfile;
  readonly faultBook: FaultBook;
  readonly limits: RateLimits;
  readonly clock: Clock;
  readonly cacheOptions: CacheOptions;
  readonly models: ModelTable;
  cache: PromptCache;
  ledger: Ledger;
  /** Calls and batch items so far. */
  arrivals = 0;
  inFlightCount = 0;
  peakInFlight = 0;
  readonly #ledgerEntries: number | undefined;
  #startMs: number;
  #limitHeaders: ResponseHeaders = {};
  #commonHeaders: ResponseHeaders = DEFAULT_OWNER.headers;

  constructor(options: SimulatorOptions) {
    this.seed = seedOf(options.seed);
    this.profile = { ...DEFAULT_PROFILE, ...options.profile };
    this.faultBook = new FaultBook(this.seed);
    this.faultBook.add(options.faults ?? []);
    this.limits = new RateLimits(options.limits ?? {});
    this.clock = options.clock;
    this.cacheOptions = { ...DEFAULT_CACHE, ...options.cache };
    this.models = options.models ?? PUBLISHED_MODELS;
    this.#ledgerEntries = options.ledgerEntries;
    this.cache = new PromptCache(this.cacheOptions, this.seed);
    this.ledger = new Ledger(this.models, this.#ledgerEntries);
    this.#startMs = options.clock.now();
  }

  /** Since the simulator started or was reset. */
  elapsedMs(): number {
    return this.clock.now() - this.#startMs;
  }

  reset(): void {
    this.#startMs = this.clock.now();
    this.faultBook.clear();
    this.limits.reset();
    this.cache = new PromptCache(this.cacheOptions, this.seed);
    this.ledger = new Ledger(this.models, this.#ledgerEntries);
    this.arrivals = 0;
    this.peakInFlight = this.inFlightCount;
  }

  entered(): void {
    this.inFlightCount += 1;
    this.peakInFlight = Math.max(this.peakInFlight, this.inFlightCount);
  }

  left(): void {
    this.inFlightCount -= 1;
  }

  /** The headers of a response sent now. */
  headersFor(own: ResponseHeaders, { requestId, owner }: CallInHand, model: Model | null): ResponseHeaders {
    const nowMs = this.clock.now();
    const limits = this.limits.headers(model, nowMs);
    // The long part is the same object for many calls: cloning it once and adding to it is several times cheaper here,
    // on the hottest path there is, than spreading its parts anew.
    if (limits !== this.#limitHeaders) {
      this.#limitHeaders = limits;
      this.#commonHeaders = { ...DEFAULT_OWNER.headers, ...limits };
    }
    const headers: Record<string, string> = {
      ...this.#commonHeaders,
      'request-id': requestId,
      'x-sim-now': String(Math.floor(nowMs)),
    };
    if (owner !== DEFAULT_OWNER) Object.assign(headers, owner.headers);
    for (const name in own) headers[name] = own[name]!;
    return headers;
  }

  /** Sends a whole response at this moment. */
  send(hand: CallInHand, response: WholeResponse, model: Model | null): void {
    hand.exchange.reply(response.status, this.headersFor(response.headers, hand, model), response.body);
  }

  /** Sends a whole response as soon as the caller has returned. */
  sendNext(hand: CallInHand, response: WholeResponse, model: Model | null = null): void {
    hand.exchange.after(0, () => this.send(hand, response, model));
  }

  refuse(hand: CallInHand, error: WireError, model: Model | null = null): void {
    this.sendNext(hand, errorResponse(error, hand.requestId), model);
  }

  refuseProblem(hand: CallInHand, problem: Problem): void {
    this.refuse(hand, wireError(problem));
  }
}
