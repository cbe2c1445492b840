import { billOf, type ModelTable } from '@batchwright/core';
import type { Model, NanoUsd } from '@batchwright/protocol';
import type { CacheMiss, CacheTurn, InputBill } from '../cache/prompt-cache.ts';
import type { CallInHand } from '../host.ts';
import { headerOf } from '../terms.ts';
import type { Surface } from '../wire/message.ts';
import { PrefixWrites, type PrefixWriteTally } from './prefix-writes.ts';

/** A call that is answered: all that its bill depends on. */
export interface BilledCall {
  readonly model: Model;
  readonly surface: Surface;
  readonly inferenceGeo: string | null;
  readonly turn: CacheTurn;
}

/** One billed call. Its output grows to what was produced by the time the call was over. */
export interface LedgerEntry {
  readonly requestId: string;
  readonly customId: string | null;
  /** Why a batch server sent it when it did, as far as it says so. */
  readonly reason: string | null;
  readonly workspace: string;
  readonly model: string;
  readonly surface: Surface;
  readonly inferenceGeo: string | null;
  readonly atMs: number;
  readonly miss: CacheMiss;
  readonly tokens: Readonly<InputBill>;
  outputTokens: number;
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

/** As many as the request log keeps. */
export const DEFAULT_LEDGER_ENTRIES = 1000;

/**
 * What everything cost. A call is billed from its first byte on: its input at once, its output as far as it got. Totals
 * are kept of all calls, details of the latest.
 */
export class Ledger implements LedgerView {
  readonly #models: ModelTable;
  readonly #maxEntries: number;
  readonly #totals = emptyTotals();
  readonly #byModel = new Map<string, LedgerTotals>();
  readonly #byMiss = new Map<CacheMiss, number>();
  readonly #writes = new PrefixWrites();
  /** A queue whose first `#gone` places are forgotten; cut back when half of it is. */
  #entries: LedgerEntry[] = [];
  #gone = 0;

  constructor(models: ModelTable, maxEntries: number = DEFAULT_LEDGER_ENTRIES) {
    this.#models = models;
    this.#maxEntries = maxEntries;
  }

  /** Bills a call whose first byte is sent: its input, and the output there is so far. */
  open({ model, surface, inferenceGeo, turn }: BilledCall, hand: CallInHand, outputTokens: number): LedgerEntry {
    const entry: LedgerEntry = {
      requestId: hand.requestId,
      customId: headerOf(hand.call.headers, 'batchwright-custom-id') || null,
      reason: headerOf(hand.call.headers, 'batchwright-turn') || null,
      workspace: hand.owner.workspace,
      model: model.id,
      surface,
      inferenceGeo,
      atMs: turn.startMs,
      miss: turn.miss,
      tokens: turn.bill,
      outputTokens,
      cost: null,
    };
    entry.cost = this.#costOf(entry);
    add(this.#totals, entry);
    add(this.#totalsOf(entry.model), entry);
    this.#byMiss.set(turn.miss, (this.#byMiss.get(turn.miss) ?? 0) + 1);
    this.#writes.note(turn);
    this.#keep(entry);
    return entry;
  }

  /** Bills what was produced, once the call is over. */
  close(entry: LedgerEntry, outputTokens: number): void {
    const more = outputTokens - entry.outputTokens;
    if (more === 0) return;
    entry.outputTokens = outputTokens;
    const cost = this.#costOf(entry);
    for (const totals of [this.#totals, this.#totalsOf(entry.model)]) {
      totals.outputTokens += more;
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

  #costOf({ model, atMs, surface, inferenceGeo, tokens, outputTokens }: LedgerEntry): NanoUsd | null {
    const terms = { atMs, isBatch: surface === 'batch', inferenceGeo, table: this.#models };
    return billOf(model, { ...tokens, outputTokens }, terms);
  }

  #totalsOf(model: string): LedgerTotals {
    const known = this.#byModel.get(model);
    if (known !== undefined) return known;
    const made = emptyTotals();
    this.#byModel.set(model, made);
    return made;
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

function add(totals: LedgerTotals, { tokens, outputTokens, cost }: LedgerEntry): void {
  totals.requests += 1;
  totals.inputTokens += tokens.inputTokens;
  totals.write5mTokens += tokens.write5mTokens;
  totals.write1hTokens += tokens.write1hTokens;
  totals.readTokens += tokens.readTokens;
  totals.outputTokens += outputTokens;
  if (cost === null) totals.unpriced += 1;
  else totals.cost += cost;
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
