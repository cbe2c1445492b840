import {
  Ledger,
  PrefixAccount,
  type LedgerTerms,
  type LedgerTotals,
  type PlacedPlan,
  type PrefixUsage,
  type Turn,
  type UpstreamProfile,
} from '@batchwright/core';
import { RESULT_TYPES, type MicrosecondsUtc } from '@batchwright/protocol';
import type { LedgerCheckpoint } from '../catalog/catalog.ts';
import type { ResultReader, SettledRequests } from '../spool/spool.ts';
import type { SettledRow } from './result-committer.ts';
import { linesOf, useInLine } from './result-lines.ts';

/** What the bills of a server's batches have in common. */
export interface Billing extends Omit<LedgerTerms, 'atMs'> {
  /** What the upstream's answers tell of its cache. */
  readonly reports: UpstreamProfile['usage'];
}

/**
 * What a shard's results used and cost: a fold over its results log, line by line in the order of the log. It is kept in
 * the catalog now and then, with how many lines it covers; the lines beyond are read again when the shard is opened.
 *
 * Invariant: the ledger is that of exactly the lines it covers, whether a crash came in between or not.
 */
export class ShardLedger {
  readonly #billing: Billing;
  readonly #ledger: Ledger;
  readonly #account: PrefixAccount;
  readonly #hasPrefixes: boolean;
  #rows = 0;
  #bytes = 0;

  constructor(plan: PlacedPlan, billing: Billing) {
    this.#billing = billing;
    this.#ledger = new Ledger();
    this.#account = new PrefixAccount(plan, billing.reports);
    this.#hasPrefixes = plan.nodeCount > 0;
  }

  /** A request is handed out. */
  taken(turn: Turn): void {
    this.#account.taken(turn);
  }

  /** A request's answer has begun, and says this of the cache. */
  answers(request: number, usage: PrefixUsage | null): void {
    if (usage !== null && usage.readTokens + usage.createdTokens > 0) this.#account.warmed(request);
  }

  /** A line is durable; answers what its answer cost, in nano-dollars, 0 where it has no price. */
  add({ request, lineBytes, use }: Pick<SettledRow, 'request' | 'lineBytes' | 'use'>, atMs: number): number {
    this.#rows += 1;
    this.#bytes += lineBytes;
    if (use === null) return 0;
    const { isBatch, isPriced, table } = this.#billing;
    return this.#ledger.addUsage(use, this.#account.settled(request, use), { atMs, isBatch, isPriced, table }) ?? 0;
  }

  get totals(): LedgerTotals {
    return this.#ledger.totals;
  }

  checkpoint(atUs: MicrosecondsUtc): LedgerCheckpoint {
    return { rows: this.#rows, bytes: this.#bytes, atUs, totals: this.totals };
  }

  /**
   * Takes up what was kept, and the lines of the log that came after it, at the prices of the moment it was kept: they
   * were durable within about a second of that. False when the log is shorter than what was kept, as after a backup was
   * put back: then what was kept stands, since it was paid for, and what comes is added to it.
   */
  async restore(
    kept: LedgerCheckpoint | null,
    settled: SettledRequests,
    atUs: MicrosecondsUtc,
    open: () => Promise<ResultReader | null>,
  ): Promise<boolean> {
    if (kept !== null) {
      this.#ledger.merge(kept.totals);
      this.#rows = kept.rows;
      this.#bytes = kept.bytes;
    }
    if (this.#hasPrefixes) this.#restoreAccount(settled);
    if (this.#rows === settled.requests.length) return true;
    if (this.#rows > settled.requests.length) return false;
    return this.#readOn(settled, (kept?.atUs ?? atUs) / 1000, await open());
  }

  #restoreAccount(settled: SettledRequests): void {
    const covered = Math.min(this.#rows, settled.requests.length);
    for (let row = 0; row < covered; row++) {
      if (settled.types[row] === SUCCEEDED) this.#account.restore(settled.requests[row] as number);
    }
  }

  async #readOn(settled: SettledRequests, atMs: number, reader: ResultReader | null): Promise<boolean> {
    if (reader === null) return false;
    try {
      if (reader.bytes < this.#bytes) return false;
      for await (const line of linesOf(reader, this.#bytes)) {
        const request = settled.requests[this.#rows] ?? -1;
        this.add({ request, lineBytes: line.byteLength, use: useInLine(line) }, atMs);
      }
      return true;
    } finally {
      await reader.close();
    }
  }
}

const SUCCEEDED = RESULT_TYPES.indexOf('succeeded');
