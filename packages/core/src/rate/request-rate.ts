import { TokenBucket } from './token-bucket.ts';

const MINUTE_MS = 60_000;

/** Whether a call is within its rate, with what the `anthropic-ratelimit-requests-*` headers and `retry-after` say. */
export interface RateVerdict {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the whole limit is there again. */
  readonly resetAtMs: number;
  /** Whole seconds after which a refused call would be allowed; 0 when it is. */
  readonly retryAfterSeconds: number;
}

/**
 * Calls per minute of one workspace. A bucket and not a window of the clock: a minute's calls may come at once, and the
 * next ones evenly.
 */
export class RequestRate {
  readonly #bucket: TokenBucket;

  constructor(perMinute: number, nowMs: number) {
    this.#bucket = new TokenBucket(perMinute, MINUTE_MS, nowMs);
  }

  /** Counts one call, unless it is refused; refused calls cost nothing, so that retrying early does not starve. */
  take(nowMs: number): RateVerdict {
    const isAllowed = this.#bucket.take(1, nowMs);
    return {
      isAllowed,
      limit: this.#bucket.capacity,
      remaining: Math.floor(this.#bucket.remaining(nowMs) + 1e-6),
      resetAtMs: this.#bucket.fullAtMs(nowMs),
      retryAfterSeconds: isAllowed ? 0 : Math.max(1, Math.ceil(this.#bucket.waitMs(1, nowMs) / 1000)),
    };
  }

  /** Whether nothing of the limit is in use, so that the owner of many may forget this one. */
  isIdle(nowMs: number): boolean {
    return this.#bucket.fullAtMs(nowMs) <= nowMs;
  }
}
