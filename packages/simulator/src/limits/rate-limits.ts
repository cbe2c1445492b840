import { promptTokensOf } from '@batchwright/core';
import type { Model, WireError } from '@batchwright/protocol';
import type { InputBill } from '../cache/prompt-cache.ts';

/** Per minute and model class, but for `concurrency`, which counts all calls in flight. */
export interface SimulatorLimits {
  readonly requestsPerMinute?: number;
  readonly inputTokensPerMinute?: number;
  readonly outputTokensPerMinute?: number;
  readonly concurrency?: number;
  /** Whether tokens read from the cache count as input, which they usually do not. */
  readonly countsReads?: boolean;
}

/** What the headers say where nothing is limited: more than anybody could use. */
const UNLIMITED_REQUESTS = 10_000_000;
const UNLIMITED_TOKENS = 10_000_000_000;

/**
 * Token buckets, one set per model class. A call is admitted when a request, the input it does not read from the cache
 * and at least one token of output are there; output is taken as it is produced, and may run a bucket into debt. A refusal takes nothing.
 */
export class RateLimits {
  readonly #limits: SimulatorLimits;
  readonly #classes = new Map<string, Buckets>();
  readonly #isUnlimited: boolean;
  /** Without limits the headers change once a second, and tens of thousands of calls may ask for them in it. */
  #unlimited: { readonly second: number; readonly headers: Readonly<Record<string, string>> } | null = null;

  constructor(limits: SimulatorLimits) {
    this.#limits = limits;
    this.#isUnlimited = Object.values(limits).every((limit) => typeof limit !== 'number');
  }

  reset(): void {
    this.#classes.clear();
  }

  /** Null when admitted, and then taken; else the refusal. */
  admit(model: Model, bill: InputBill, inFlight: number, nowMs: number): WireError | null {
    if (this.#isUnlimited) return null;
    const inputTokens = promptTokensOf(bill) - (this.#limits.countsReads === true ? 0 : bill.readTokens);
    const { concurrency } = this.#limits;
    if (concurrency !== undefined && inFlight > concurrency) {
      return refusal(`limit of ${concurrency} concurrent requests`, 1);
    }
    const buckets = this.#bucketsOf(model, nowMs);
    for (const [bucket, cost, unit] of [
      [buckets.requests, 1, 'requests'],
      [buckets.input, inputTokens, 'input tokens'],
      [buckets.output, 1, 'output tokens'],
    ] as const) {
      const waitMs = bucket.waitFor(cost, nowMs);
      if (waitMs > 0) return refusal(`rate limit of ${bucket.capacity} ${unit} per minute`, Math.ceil(waitMs / 1000));
    }
    buckets.requests.take(1, nowMs);
    buckets.input.take(inputTokens, nowMs);
    return null;
  }

  produced(model: Model, outputTokens: number, nowMs: number): void {
    if (!this.#isUnlimited) this.#bucketsOf(model, nowMs).output.take(outputTokens, nowMs);
  }

  /** All `anthropic-ratelimit-*` headers, as they stand after this call. */
  headers(model: Model | null, nowMs: number): Readonly<Record<string, string>> {
    const second = Math.ceil(nowMs / 1000);
    if (!this.#isUnlimited) return this.#headersNow(model, nowMs);
    if (this.#unlimited?.second !== second) this.#unlimited = { second, headers: this.#headersNow(model, nowMs) };
    return this.#unlimited.headers;
  }

  #headersNow(model: Model | null, nowMs: number): Readonly<Record<string, string>> {
    const { requests, input, output } =
      model === null ? new Buckets(this.#limits, nowMs) : this.#bucketsOf(model, nowMs);
    const tightest = input.share(nowMs) <= output.share(nowMs) ? input : output;
    return {
      ...requests.headers('requests', 1, nowMs),
      ...tightest.headers('tokens', 1000, nowMs),
      ...input.headers('input-tokens', 1000, nowMs),
      ...output.headers('output-tokens', 1000, nowMs),
    };
  }

  #bucketsOf(model: Model, nowMs: number): Buckets {
    const name = modelClass(model);
    const known = this.#classes.get(name);
    if (known !== undefined) return known;
    const made = new Buckets(this.#limits, nowMs);
    this.#classes.set(name, made);
    return made;
  }
}

/** Models of one family share their limits. */
function modelClass(model: Model): string {
  return /haiku|sonnet|opus|fable|mythos/.exec(model.id)?.[0] ?? model.id;
}

function refusal(limit: string, retryAfterSeconds: number): WireError {
  return {
    type: 'rate_limit_error',
    message: `This request would exceed your organization's ${limit}.`,
    retryAfterSeconds: Math.max(1, retryAfterSeconds),
  };
}

class Buckets {
  readonly requests: Bucket;
  readonly input: Bucket;
  readonly output: Bucket;

  constructor(limits: SimulatorLimits, nowMs: number) {
    this.requests = new Bucket(
      limits.requestsPerMinute ?? UNLIMITED_REQUESTS,
      limits.requestsPerMinute !== undefined,
      nowMs,
    );
    this.input = new Bucket(
      limits.inputTokensPerMinute ?? UNLIMITED_TOKENS,
      limits.inputTokensPerMinute !== undefined,
      nowMs,
    );
    this.output = new Bucket(
      limits.outputTokensPerMinute ?? UNLIMITED_TOKENS,
      limits.outputTokensPerMinute !== undefined,
      nowMs,
    );
  }
}

class Bucket {
  readonly capacity: number;
  readonly #isLimited: boolean;
  #level: number;
  #asOfMs: number;

  constructor(capacity: number, isLimited: boolean, nowMs: number) {
    this.capacity = capacity;
    this.#isLimited = isLimited;
    this.#level = capacity;
    this.#asOfMs = nowMs;
  }

  /** Milliseconds until `cost` is there. What exceeds the whole bucket waits for a full one, not for ever. */
  waitFor(cost: number, nowMs: number): number {
    const missing = Math.min(cost, this.capacity) - this.#levelAt(nowMs);
    // The sum of refills may fall short of the bucket by rounding alone.
    return missing <= 1e-6 ? 0 : (missing * 60_000) / this.capacity;
  }

  take(cost: number, nowMs: number): void {
    if (this.#isLimited) this.#level = this.#levelAt(nowMs) - cost;
    this.#asOfMs = nowMs;
  }

  share(nowMs: number): number {
    return this.#levelAt(nowMs) / this.capacity;
  }

  headers(name: string, roundTo: number, nowMs: number): Record<string, string> {
    const level = Math.max(0, this.#levelAt(nowMs));
    const fullAtMs = nowMs + ((this.capacity - level) * 60_000) / this.capacity;
    const prefix = `anthropic-ratelimit-${name}`;
    return {
      [`${prefix}-limit`]: String(this.capacity),
      [`${prefix}-remaining`]: String(Math.min(this.capacity, Math.round(Math.floor(level) / roundTo) * roundTo)),
      [`${prefix}-reset`]: `${new Date(Math.ceil(fullAtMs / 1000) * 1000).toISOString().slice(0, 19)}Z`,
    };
  }

  #levelAt(nowMs: number): number {
    return Math.min(this.capacity, this.#level + ((nowMs - this.#asOfMs) * this.capacity) / 60_000);
  }
}
