import { billOf, type TokenCounts } from '@batchwright/core';
import type { NanoUsd } from '@batchwright/protocol';
import type { CacheMiss, CacheTurn } from '../cache/prompt-cache.ts';
import type { Surface } from '../wire/message.ts';
import { PrefixWrites, type PrefixWriteTally } from './prefix-writes.ts';

/** What a call that was billed is known by. */
export interface BilledCall {
  readonly requestId: string;
  readonly customId: string | null;
  readonly workspace: string;
  readonly model: string;
  readonly surface: Surface;
  readonly inferenceGeo: string;
  readonly atMs: number;
}

/** One billed call. Its output grows to what was produced by the time the call was over. */
export interface LedgerEntry extends BilledCall {
  readonly miss: CacheMiss;
  tokens: TokenCounts;
  /** Null for a model without a known price. */
  cost: NanoUsd | null;
}

/** Sums of many calls. `cost` leaves out those whose price is not known. */
export interface LedgerTotals {
  requests: number;
  unpriced: number;
  inputTokens: number;
  write5mTokens: number;
  write1hTokens: number;
  readTokens: number;
  outputTokens: number;
  cost: number;
}

/** The ledger as it may be looked at. */
export interface LedgerView {
  readonly totals: Readonly<LedgerTotals>;
  /** By model id, in the order in which they were first asked. */
  readonly byModel: ReadonlyMap<string, Readonly<LedgerTotals>>;
  /** How many calls missed, by why. */
  readonly byMiss: ReadonlyMap<CacheMiss, number>;
  readonly writes: PrefixWriteTally;
  /** The latest calls, oldest first. */
  entries(): readonly Readonly<LedgerEntry>[];
}

export const DEFAULT_LEDGER_ENTRIES = 10_000;

/**
 * What everything cost. A call is billed from its first byte on: its input at once, its output as far as it got. Totals
 * are kept of all calls, details of the latest.
 */
export class Ledger implements LedgerView {
  readonly #maxEntries: number;
  readonly #totals = emptyTotals();
  readonly #byModel = new Map<string, LedgerTotals>();
  readonly #byMiss = new Map<CacheMiss, number>();
  readonly #writes = new PrefixWrites();
  /** A queue whose first `#gone` places are forgotten; cut back when half of it is. */
  #entries: LedgerEntry[] = [];
  #gone = 0;

  constructor(maxEntries: number = DEFAULT_LEDGER_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /** Bills the input of a call whose first byte is sent. */
  open(call: BilledCall, turn: CacheTurn): LedgerEntry {
    const tokens = { ...turn.bill, outputTokens: 0 };
    const entry: LedgerEntry = { ...call, miss: turn.miss, tokens, cost: costOf(call, tokens) };
    for (const totals of this.#totalsFor(call.model)) {
      totals.requests += 1;
      totals.inputTokens += tokens.inputTokens;
      totals.write5mTokens += tokens.write5mTokens;
      totals.write1hTokens += tokens.write1hTokens;
      totals.readTokens += tokens.readTokens;
      if (entry.cost === null) totals.unpriced += 1;
      totals.cost += entry.cost ?? 0;
    }
    this.#byMiss.set(turn.miss, (this.#byMiss.get(turn.miss) ?? 0) + 1);
    this.#writes.note(turn);
    this.#keep(entry);
    return entry;
  }

  /** Bills what was produced, once the call is over. */
  close(entry: LedgerEntry, outputTokens: number): void {
    entry.tokens = { ...entry.tokens, outputTokens };
    const cost = costOf(entry, entry.tokens);
    for (const totals of this.#totalsFor(entry.model)) {
      totals.outputTokens += outputTokens;
      totals.cost += (cost ?? 0) - (entry.cost ?? 0);
    }
    entry.cost = cost;
  }

  get totals(): Readonly<LedgerTotals> {
    return this.#totals;
  }

  get byModel(): ReadonlyMap<string, Readonly<LedgerTotals>> {
    return this.#byModel;
  }

  get byMiss(): ReadonlyMap<CacheMiss, number> {
    return this.#byMiss;
  }

  get writes(): PrefixWriteTally {
    return this.#writes.tally();
  }

  entries(): readonly Readonly<LedgerEntry>[] {
    return this.#entries.slice(this.#gone);
  }

  #totalsFor(model: string): readonly LedgerTotals[] {
    const known = this.#byModel.get(model) ?? emptyTotals();
    this.#byModel.set(model, known);
    return [this.#totals, known];
  }

  #keep(entry: LedgerEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length - this.#gone > this.#maxEntries) this.#gone += 1;
    if (this.#gone > 64 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#gone = 0;
    }
  }
}

function costOf({ model, atMs, surface, inferenceGeo }: BilledCall, tokens: TokenCounts): NanoUsd | null {
  return billOf(model, tokens, { atMs, isBatch: surface === 'batch', inferenceGeo });
}

function emptyTotals(): LedgerTotals {
  return {
    requests: 0,
    unpriced: 0,
    inputTokens: 0,
    write5mTokens: 0,
    write1hTokens: 0,
    readTokens: 0,
    outputTokens: 0,
    cost: 0,
  };
}
