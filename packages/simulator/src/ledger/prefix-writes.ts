import type { CacheMiss, CacheTurn } from '../cache/prompt-cache.ts';

/** How often one prefix was paid for. */
export interface PrefixWrite {
  readonly scope: string;
  readonly hash: number;
  readonly tokens: number;
  writes: number;
  /** Tokens paid again, by why the prefix that had been written was not read. */
  readonly againTokens: Partial<Record<CacheMiss, number>>;
}

export interface PrefixWriteTally {
  readonly prefixes: number;
  readonly writes: number;
  /** Writes beyond each prefix's first, and the tokens paid for them. */
  readonly duplicates: number;
  readonly duplicateTokens: number;
  /** Writes of prefixes that were not followed, because too many were. */
  readonly untracked: number;
  /** Those written more than once, first written first. */
  readonly duplicated: readonly Readonly<PrefixWrite>[];
}

/** More prefixes than this are counted, but not told apart. */
const MOST_PREFIXES = 100_000;

/** Which prefixes were written, and which of them more than once. */
export class PrefixWrites {
  readonly #prefixes = new Map<string, PrefixWrite>();
  #writes = 0;
  #duplicates = 0;
  #duplicateTokens = 0;
  #untracked = 0;

  /** Writes within what was read are free, and are not counted. */
  note({ request, writes }: CacheTurn): void {
    for (const { position, paidTokens, miss } of writes) {
      if (paidTokens === 0) continue;
      this.#writes += 1;
      const hash = request.hashes[position]!;
      const key = `${request.scope} ${hash}`;
      const known = this.#prefixes.get(key);
      if (known === undefined) {
        if (this.#prefixes.size >= MOST_PREFIXES) this.#untracked += 1;
        else
          this.#prefixes.set(key, {
            scope: request.scope,
            hash,
            tokens: request.tokens[position]!,
            writes: 1,
            againTokens: {},
          });
        continue;
      }
      known.writes += 1;
      known.againTokens[miss] = (known.againTokens[miss] ?? 0) + paidTokens;
      this.#duplicates += 1;
      this.#duplicateTokens += paidTokens;
    }
  }

  tally(): PrefixWriteTally {
    return {
      prefixes: this.#prefixes.size,
      writes: this.#writes,
      duplicates: this.#duplicates,
      duplicateTokens: this.#duplicateTokens,
      untracked: this.#untracked,
      duplicated: [...this.#prefixes.values()].filter(({ writes }) => writes > 1),
    };
  }
}
