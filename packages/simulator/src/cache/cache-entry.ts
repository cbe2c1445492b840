import type { CacheMarker } from '@batchwright/core';

export const TTL_MS: Readonly<Record<CacheMarker['ttl'], number>> = { '5m': 300_000, '1h': 3_600_000 };

/**
 * One cached prefix, or one that is being written for the first time.
 *
 * It lives for its ttl from the start of the last request that wrote or read it and got as far as its first byte.
 * Readers under way hold it from their start on; a reader that fails before its first byte lets go, and the entry is as
 * if it had never been touched. Writers hold nothing: what they write is not there before their first byte.
 */
export class CacheEntry {
  readonly hash: number;
  readonly tokens: number;
  ttl: CacheMarker['ttl'] = '5m';
  /** The one native batch whose items wrote it; null once anybody else did. */
  batch: string | null = null;
  readyAtMs = Infinity;
  /** Writers that have not got their first byte. */
  writers = 0;
  #touchedAtMs = -Infinity;
  /** Starts of the readers under way; time does not go back, so the last is the latest. */
  #held: number[] = [];

  constructor(hash: number, tokens: number) {
    this.hash = hash;
    this.tokens = tokens;
  }

  get expiresAtMs(): number {
    return Math.max(this.#touchedAtMs, this.#held.at(-1) ?? -Infinity) + TTL_MS[this.ttl];
  }

  isLive(nowMs: number): boolean {
    return nowMs < this.expiresAtMs;
  }

  isReadable(nowMs: number): boolean {
    return this.readyAtMs <= nowMs && this.isLive(nowMs);
  }

  /** Whether nothing is lost by forgetting it. */
  isSpent(nowMs: number): boolean {
    return this.writers === 0 && this.#held.length === 0 && !this.isLive(nowMs);
  }

  hold(startMs: number): void {
    this.#held.push(startMs);
  }

  /** The holder failed before its first byte. */
  release(startMs: number): void {
    const at = this.#held.indexOf(startMs);
    if (at >= 0) this.#held.splice(at, 1);
  }

  /** A holder, or a writer, that started then got its first byte. */
  touch(startMs: number): void {
    this.#touchedAtMs = Math.max(this.#touchedAtMs, startMs);
  }

  /** Written anew, or, while it lives, a second time: then the earlier readiness and the longer ttl stay. */
  write(ttl: CacheMarker['ttl'], batch: string | null, readyAtMs: number, nowMs: number): void {
    if (!this.isLive(nowMs)) {
      this.ttl = ttl;
      this.batch = batch;
      this.readyAtMs = readyAtMs;
      return;
    }
    if (ttl === '1h') this.ttl = ttl;
    if (this.batch !== batch) this.batch = null;
    this.readyAtMs = Math.min(this.readyAtMs, readyAtMs);
  }
}
