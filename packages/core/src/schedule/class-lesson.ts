/**
 * What answers have taught about how one model's prefixes are cached: how often a read hits, how long after its first
 * byte a prefix becomes readable, which sizes are too small, and whether anything is cached at all.
 *
 * It trusts until it is disappointed: before the first answer every prefix is believed to cache as documented.
 */
export class ClassLesson {
  #hitRate = 1;
  #hasHit = false;
  /** Followers that may still go before the first read is seen. */
  #trials = TRIALS;
  #settleMs = 0;
  /** The youngest entry that was ever read. A miss of an older one has other reasons than its youth. */
  #youngestHitMs = Number.POSITIVE_INFINITY;
  /** Misses in a row of requests that had waited as long as was prescribed. */
  #misses = 0;
  #tooSmall = 0;
  #smallestCached = Number.POSITIVE_INFINITY;
  /** The largest that was not cached. */
  #notCached = 0;

  /** How long others wait after a prefix's first byte. */
  get settleMs(): number {
    return this.#settleMs;
  }

  /** Whether followers go by ones and twos first. */
  get isDoubtful(): boolean {
    return this.#hitRate < TRUSTED_HIT_RATE;
  }

  /** Whether a read was ever seen to hit. */
  get hasHit(): boolean {
    return this.#hasHit;
  }

  /** Whether as many are under way as may be while no read was ever seen to hit: others wait for what they find. */
  get isOnTrial(): boolean {
    return !this.#hasHit && this.#trials <= 0;
  }

  /** A request goes out that should read a prefix. */
  tried(): void {
    this.#trials -= 1;
  }

  /** One of those has found something or come to nothing: so many more may go. */
  triedOut(more: number): void {
    this.#trials += more;
  }

  /** Whether waiting for a leader has never helped. */
  get neverHits(): boolean {
    return this.#misses >= HOPELESS_MISSES;
  }

  isTooSmall(tokens: number): boolean {
    return tokens <= this.#tooSmall;
  }

  /** A leader read or wrote something. */
  cached(tokens: number): void {
    this.#smallestCached = Math.min(this.#smallestCached, tokens);
    if (this.#tooSmall >= tokens) this.#tooSmall = tokens - 1;
  }

  /**
   * A leader neither read nor wrote. One prefix may have a reason of its own; two of a size make it a rule.
   * @returns whether the rule now covers noticeably larger prefixes: few times, however many leaders there are.
   */
  notCached(tokens: number): boolean {
    const agreed = Math.min(tokens, this.#notCached);
    this.#notCached = Math.max(tokens, this.#notCached);
    if (agreed <= this.#tooSmall * 1.1 || agreed >= this.#smallestCached) return false;
    this.#tooSmall = agreed;
    return true;
  }

  /** A request read a prefix that was `ageMs` old. */
  hit(ageMs: number): void {
    this.#misses = 0;
    this.#hasHit = true;
    this.#hitRate += (1 - this.#hitRate) * WEIGHT;
    this.#youngestHitMs = Math.min(this.#youngestHitMs, ageMs);
    if (this.#settleMs > this.#youngestHitMs) this.#settleMs = this.#youngestHitMs;
  }

  /** A request that should have read a prefix `ageMs` old did not. */
  miss(ageMs: number): void {
    this.#hitRate -= this.#hitRate * WEIGHT;
    if (ageMs < this.#settleMs) return;
    this.#misses += 1;
    if (ageMs > LONGEST_SETTLE_MS || ageMs >= this.#youngestHitMs) return;
    this.#settleMs = Math.min(LONGEST_SETTLE_MS, Math.max(FIRST_SETTLE_MS, 2 * this.#settleMs));
  }
}

/** Of each answer in the hit rate: four misses in a row are enough to doubt. */
const WEIGHT = 1 / 32;
const TRUSTED_HIT_RATE = 0.9;
/** So many writes at most are risked to learn that an upstream is late. */
const TRIALS = 8;
const FIRST_SETTLE_MS = 250;
const LONGEST_SETTLE_MS = 8000;
/** More than it takes to try every settling time there is, twice. */
const HOPELESS_MISSES = 16;
