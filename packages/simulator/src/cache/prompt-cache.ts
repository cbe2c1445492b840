import type { CacheMarker, TokenCounts } from '@batchwright/core';
import { Hasher } from '../hash.ts';
import { CacheEntry } from './cache-entry.ts';
import { DEFAULT_CACHE, type CacheOptions } from './cache-options.ts';
import { SeenPrefixes } from './seen-prefixes.ts';

/** A prompt as a cache sees it: positions, one for each block in rendering order, and which of them are marked. */
export interface CacheRequest {
  /** Requests share a cache exactly if they share this. */
  readonly scope: string;
  /** The native batch it is an item of. */
  readonly batch: string | null;
  /** Shorter prefixes are not cached. */
  readonly minimumTokens: number;
  /** By position: identity and tokens of the prompt up to and including the block. */
  readonly hashes: ArrayLike<number>;
  readonly tokens: ArrayLike<number>;
  /** As `hashes`, but for the parameters that set equal prompts apart: tells why something missed, no more. */
  readonly contents?: ArrayLike<number> | undefined;
  /** In the order of their blocks. */
  readonly markers: readonly CacheMarker[];
}

/** What the tokens of a prompt are billed as; the four always sum to the prompt. */
export type InputBill = Omit<TokenCounts, 'outputTokens'>;

/**
 * Why the longest marked prefix was not read: nobody had written it, it was still being written, it had expired, it is
 * too short, it lies more than 20 positions before any marker, other parameters or another scope have it, or the cache
 * lost it. `none` if it was read, or nothing was marked.
 */
export type CacheMiss =
  | 'cold'
  | 'not_ready'
  | 'expired'
  | 'below_min'
  | 'out_of_lookback'
  | 'salt'
  | 'scope'
  | 'lossy'
  | 'none';

/** A marked prefix that a request writes. */
export interface CacheWrite {
  readonly position: number;
  readonly ttl: CacheMarker['ttl'];
  /** Tokens billed for it: those after what was read or what the marker before it wrote. */
  readonly paidTokens: number;
  readonly miss: CacheMiss;
}

/** What a request finds in the cache, and what it will leave there. */
export interface CacheTurn {
  readonly request: CacheRequest;
  readonly startMs: number;
  readonly bill: InputBill;
  /** Tokens up to the highest hit, the highest 1-hour marker from there, and the last marker: A, B and C. */
  readonly readTo: number;
  readonly longTo: number;
  readonly markedTo: number;
  readonly miss: CacheMiss;
  readonly writes: readonly CacheWrite[];
  readonly reads: readonly CacheEntry[];
}

/** A live entry as it may be shown. */
export interface CacheEntryView {
  readonly scope: string;
  readonly hash: number;
  readonly tokens: number;
  readonly ttl: CacheMarker['ttl'];
  /** Null while it cannot be read and nobody knows when. */
  readonly readyAtMs: number | null;
  readonly expiresAtMs: number;
}

const LOOKBACK_POSITIONS = 20;
const FEWEST_BEFORE_SWEEP = 1024;

interface Scope {
  readonly name: string;
  readonly seed: number;
  readonly entries: Map<number, CacheEntry>;
}

/**
 * The prompt cache of the simulated service. Time is an argument, chance is the seed's. A request goes through
 * `look` (which changes nothing), `begin`, then `firstByte` and `end`, or `abandon` if it fails before its first byte:
 * then the cache is as if the request had never been.
 */
export class PromptCache {
  readonly #options: CacheOptions;
  readonly #seed: number;
  readonly #scopes = new Map<string, Scope>();
  readonly #seen = new SeenPrefixes();
  /** What each turn under way writes. */
  readonly #writing = new Map<CacheTurn, readonly CacheEntry[]>();
  #looks = 0;
  #size = 0;
  #sweepAt = FEWEST_BEFORE_SWEEP;

  constructor(options: Partial<CacheOptions> = {}, seed = 0) {
    this.#options = { ...DEFAULT_CACHE, ...options };
    this.#seed = seed;
  }

  /** How many entries are kept, those that have expired and not yet been dropped included. */
  get size(): number {
    return this.#size;
  }

  look(request: CacheRequest, nowMs: number): CacheTurn {
    this.#looks += 1;
    const { markers, tokens, minimumTokens } = request;
    const total = tokens.length === 0 ? 0 : tokens[tokens.length - 1]!;
    const effective = markers.filter(({ block }) => tokens[block]! >= minimumTokens);
    const last = effective.at(-1);
    if (last === undefined) return untouched(request, nowMs, total, markers.length === 0 ? 'none' : 'below_min');
    const scope = this.#scopes.get(request.scope);
    const hit = scope === undefined ? NO_HIT : this.#find(scope, request, effective, nowMs);
    const readTo = hit.position < 0 ? 0 : tokens[hit.position]!;
    const longTo = effective.reduce((to, { block, ttl }) => (ttl === '1h' ? Math.max(to, tokens[block]!) : to), readTo);
    const markedTo = tokens[last.block]!;
    const writes = this.#writesOf(request, effective, hit, nowMs);
    return {
      request,
      startMs: nowMs,
      bill: {
        inputTokens: total - Math.max(markedTo, readTo),
        write5mTokens: Math.max(markedTo, longTo) - longTo,
        write1hTokens: longTo - readTo,
        readTokens: readTo,
      },
      readTo,
      longTo,
      markedTo,
      miss: hit.position === last.block ? 'none' : this.#missOf(request, hit, last.block, writes, nowMs),
      writes,
      reads: this.#readsOf(request, effective, hit, nowMs),
    };
  }

  /** The request is on its way. To be called at the moment of its `look`. */
  begin(turn: CacheTurn): void {
    const { request, startMs } = turn;
    for (const entry of turn.reads) entry.hold(startMs);
    if (turn.writes.length === 0) return;
    // Before the scope is looked up: a sweep drops scopes that have become empty.
    if (this.#size >= this.#sweepAt) this.#sweep(startMs);
    const scope = this.#scopeNamed(request.scope);
    this.#writing.set(
      turn,
      turn.writes.map(({ position, ttl }) => {
        const entry = this.#entryAt(scope, request.hashes[position]!, request.tokens[position]!);
        entry.writers += 1;
        if (this.#isAllocating) {
          entry.write(ttl, request.batch, startMs + this.#options.visibilityDelayMs, startMs);
          entry.hold(startMs);
        }
        return entry;
      }),
    );
  }

  /** The first byte of its answer was sent: what it wrote and touched is so. */
  firstByte(turn: CacheTurn, nowMs: number): void {
    const { request, startMs } = turn;
    if (turn.reads.length === 0 && turn.writes.length === 0) return;
    for (const entry of turn.reads) {
      entry.touch(startMs);
      entry.release(startMs);
    }
    const writing = this.#writing.get(turn);
    if (writing === undefined) return;
    const { visibility, visibilityDelayMs } = this.#options;
    const seed = this.#scopeNamed(request.scope).seed;
    turn.writes.forEach(({ position, ttl }, i) => {
      const entry = writing[i]!;
      entry.writers -= 1;
      entry.write(ttl, request.batch, visibility === 'completion' ? Infinity : nowMs + visibilityDelayMs, nowMs);
      entry.touch(startMs);
      if (this.#isAllocating) entry.release(startMs);
      this.#seen.note(seed, entry.hash, request.contents?.[position]);
    });
    if (visibility !== 'completion') this.#writing.delete(turn);
  }

  /** The answer is over, however it ended after its first byte. */
  end(turn: CacheTurn, nowMs: number): void {
    const writing = this.#writing.get(turn);
    if (writing === undefined) return;
    const readyAtMs = nowMs + this.#options.visibilityDelayMs;
    for (const entry of writing) entry.readyAtMs = Math.min(entry.readyAtMs, readyAtMs);
    this.#writing.delete(turn);
  }

  /** It failed before its first byte. */
  abandon(turn: CacheTurn): void {
    for (const entry of turn.reads) entry.release(turn.startMs);
    for (const entry of this.#writing.get(turn) ?? []) {
      entry.writers -= 1;
      if (this.#isAllocating) entry.release(turn.startMs);
    }
    this.#writing.delete(turn);
  }

  /** Then a writer's entries are there from its start on, and held by it as by a reader. */
  get #isAllocating(): boolean {
    return this.#options.visibility === 'allocation';
  }

  /** Live entries, whether they can be read yet or not. */
  entries(nowMs: number): readonly CacheEntryView[] {
    return [...this.#scopes.values()].flatMap((scope) =>
      [...scope.entries.values()]
        .filter((entry) => entry.isLive(nowMs))
        .map(({ hash, tokens, ttl, readyAtMs, expiresAtMs }) => ({
          scope: scope.name,
          hash,
          tokens,
          ttl,
          readyAtMs: readyAtMs === Infinity ? null : readyAtMs,
          expiresAtMs,
        })),
    );
  }

  /** The highest readable position within 20 of a marker, deepest marker first. */
  #find(scope: Scope, request: CacheRequest, effective: readonly CacheMarker[], nowMs: number): Hit {
    let isLost = false;
    let scannedFrom = Infinity;
    for (let i = effective.length - 1; i >= 0; i--) {
      const { block } = effective[i]!;
      const windowFrom = Math.max(0, block - LOOKBACK_POSITIONS + 1);
      for (let position = Math.min(block, scannedFrom - 1); position >= windowFrom; position--) {
        const entry = scope.entries.get(request.hashes[position]!);
        if (entry === undefined || !this.#canRead(entry, request, nowMs)) continue;
        if (!this.#loses(position)) return { position, entry, isLost };
        isLost = true;
      }
      scannedFrom = Math.min(scannedFrom, windowFrom);
    }
    return { position: -1, entry: null, isLost };
  }

  #canRead(entry: CacheEntry, request: CacheRequest, nowMs: number): boolean {
    return entry.isReadable(nowMs) && !this.#isKeptFrom(entry, request);
  }

  #isKeptFrom(entry: CacheEntry, { batch }: CacheRequest): boolean {
    return batch !== null && entry.batch === batch && this.#options.intraBatch === 'isolated';
  }

  #loses(position: number): boolean {
    const { lossy } = this.#options;
    return lossy > 0 && new Hasher(this.#seed).integer(this.#looks).integer(position).unit() < lossy;
  }

  /** Every marker without an entry that can be read gets one; those within what was read cost nothing. */
  #writesOf(request: CacheRequest, effective: readonly CacheMarker[], hit: Hit, nowMs: number): readonly CacheWrite[] {
    const writes: CacheWrite[] = [];
    let paidTo = hit.position < 0 ? 0 : request.tokens[hit.position]!;
    for (const { block, ttl } of effective) {
      if (block === hit.position || (block < hit.position && this.#readableAt(request, block, nowMs) !== null))
        continue;
      const paidTokens = Math.max(0, request.tokens[block]! - paidTo);
      paidTo += paidTokens;
      writes.push({ position: block, ttl, paidTokens, miss: this.#whyNotRead(request, block, nowMs) });
    }
    return writes;
  }

  #readsOf(request: CacheRequest, effective: readonly CacheMarker[], hit: Hit, nowMs: number): readonly CacheEntry[] {
    if (hit.entry === null) return [];
    if (this.#options.refresh === 'exact') return [hit.entry];
    const path = effective.filter(({ block }) => block < hit.position);
    return [hit.entry, ...path.flatMap(({ block }) => this.#readableAt(request, block, nowMs) ?? [])];
  }

  #readableAt(request: CacheRequest, position: number, nowMs: number): CacheEntry | null {
    const entry = this.#scopes.get(request.scope)?.entries.get(request.hashes[position]!);
    return entry !== undefined && this.#canRead(entry, request, nowMs) ? entry : null;
  }

  #whyNotRead(request: CacheRequest, position: number, nowMs: number): CacheMiss {
    const scope = this.#scopes.get(request.scope);
    const entry = scope?.entries.get(request.hashes[position]!);
    if (entry !== undefined) {
      if (entry.isReadable(nowMs)) return this.#isKeptFrom(entry, request) ? 'scope' : 'lossy';
      if (entry.writers > 0 || entry.isLive(nowMs)) return 'not_ready';
    }
    const seed = scope?.seed ?? seedOfScope(request.scope);
    return this.#seen.why(seed, request.hashes[position]!, request.contents?.[position]);
  }

  #missOf(
    request: CacheRequest,
    hit: Hit,
    lastMarked: number,
    writes: readonly CacheWrite[],
    nowMs: number,
  ): CacheMiss {
    if (hit.isLost) return 'lossy';
    const known = writes.findLast(({ position, miss }) => position > hit.position && miss !== 'cold');
    if (known !== undefined) return known.miss;
    for (let position = lastMarked; position > hit.position; position--) {
      if (this.#readableAt(request, position, nowMs) !== null) return 'out_of_lookback';
    }
    return 'cold';
  }

  #scopeNamed(name: string): Scope {
    const known = this.#scopes.get(name);
    if (known !== undefined) return known;
    const made: Scope = { name, seed: seedOfScope(name), entries: new Map() };
    this.#scopes.set(name, made);
    return made;
  }

  #entryAt(scope: Scope, hash: number, tokens: number): CacheEntry {
    const known = scope.entries.get(hash);
    if (known !== undefined) return known;
    const made = new CacheEntry(hash, tokens);
    scope.entries.set(hash, made);
    this.#size += 1;
    return made;
  }

  /** Drops what has expired. Each sweep waits until the entries have doubled, so that it costs little for each of them. */
  #sweep(nowMs: number): void {
    for (const [name, { entries }] of this.#scopes) {
      for (const [hash, entry] of entries) {
        if (!entry.isSpent(nowMs)) continue;
        entries.delete(hash);
        this.#size -= 1;
      }
      if (entries.size === 0) this.#scopes.delete(name);
    }
    this.#sweepAt = Math.max(FEWEST_BEFORE_SWEEP, 2 * this.#size);
  }
}

interface Hit {
  /** -1 for none. */
  readonly position: number;
  readonly entry: CacheEntry | null;
  /** Whether an entry was there and got lost on the way. */
  readonly isLost: boolean;
}

const NO_HIT: Hit = { position: -1, entry: null, isLost: false };

/** What becomes of a prompt that asks for no caching. It may go through a cache as any other, and leaves nothing there. */
export function uncachedTurn(tokens: number, startMs: number): CacheTurn {
  return untouched(NO_REQUEST, startMs, tokens, 'none');
}

const NO_REQUEST: CacheRequest = { scope: '', batch: null, minimumTokens: 0, hashes: [], tokens: [], markers: [] };

function untouched(request: CacheRequest, startMs: number, total: number, miss: CacheMiss): CacheTurn {
  const bill = { inputTokens: total, write5mTokens: 0, write1hTokens: 0, readTokens: 0 };
  return { request, startMs, bill, readTo: 0, longTo: 0, markedTo: 0, miss, writes: [], reads: [] };
}

function seedOfScope(name: string): number {
  return new Hasher(0).text(name).word();
}
