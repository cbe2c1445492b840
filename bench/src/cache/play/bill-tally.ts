import type { TokenCounts } from '@batchwright/core';
import type { CacheMiss, CacheTurn, InputBill } from '@batchwright/simulator';

/** What calls were billed for, and why what was written twice was. */
export class BillTally {
  #inputTokens = 0;
  #write5mTokens = 0;
  #write1hTokens = 0;
  #readTokens = 0;
  #calls = 0;
  readonly #again = new Map<CacheMiss, DuplicateWrites>();

  get calls(): number {
    return this.#calls;
  }

  get bill(): InputBill {
    return {
      inputTokens: this.#inputTokens,
      write5mTokens: this.#write5mTokens,
      write1hTokens: this.#write1hTokens,
      readTokens: this.#readTokens,
    };
  }

  get writtenTokens(): number {
    return this.#write5mTokens + this.#write1hTokens;
  }

  /** Writes of what had been written before, or was being written, by why it was not read. */
  get duplicates(): ReadonlyMap<CacheMiss, DuplicateWrites> {
    return this.#again;
  }

  /** A call has shown its first byte. */
  add({ bill, writes }: CacheTurn): void {
    this.#calls += 1;
    this.#inputTokens += bill.inputTokens;
    this.#write5mTokens += bill.write5mTokens;
    this.#write1hTokens += bill.write1hTokens;
    this.#readTokens += bill.readTokens;
    for (const { miss, paidTokens } of writes) {
      if (paidTokens === 0 || IS_FIRST.has(miss)) continue;
      const known = this.#again.get(miss) ?? { writes: 0, tokens: 0 };
      this.#again.set(miss, { writes: known.writes + 1, tokens: known.tokens + paidTokens });
    }
  }

  tokenCounts(outputTokensPerCall: number): TokenCounts {
    return { ...this.bill, outputTokens: this.#calls * outputTokensPerCall };
  }
}

export interface DuplicateWrites {
  readonly writes: number;
  readonly tokens: number;
}

/** Misses of what this scope had never written. */
const IS_FIRST: ReadonlySet<CacheMiss> = new Set(['cold', 'scope', 'salt', 'below_min', 'none']);
