/**
 * What requests used and cost, summed by model. Every field of a sum adds: a ledger is a fold over result lines, parts
 * of it may be kept and joined in any order, and what one part was is a difference. Beside the bill that is due it holds
 * what the same answers would have cost otherwise, so that a saving is a difference of two facts.
 */
import { findModel } from '@batchwright/protocol';
import { amountOf, promptTokensOf, ratesOf, type Rates, type TokenCounts } from './bill.ts';
import type { ModelTable } from './model-table.ts';
import type { CacheOutcome, PrefixShare } from './prefix-account.ts';

/** Tokens by kind, money in nano-dollars, and requests by what the cache did for them. */
export interface UsageSum {
  readonly requests: number;
  /** Of a model without a known price: they are in no amount of money. */
  readonly unpricedRequests: number;
  readonly inputTokens: number;
  readonly write5mTokens: number;
  readonly write1hTokens: number;
  readonly readTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  /** The part of the cost that is not the answers'. */
  readonly promptCostNanoUsd: number;
  /** Had nothing been cached. */
  readonly uncachedCostNanoUsd: number;
  /** Had every request written its marked prefix, as those of a cold native batch do. */
  readonly plainCostNanoUsd: number;
  /** The same after a call of its own for each prefix, at full price, that the batch cannot read from. */
  readonly warmUpCostNanoUsd: number;
  /** Tokens of prompts up to the last mark that others share. */
  readonly sharedTokens: number;
  /** Of those, what somebody had to write, had nothing been warm before. */
  readonly leastTokens: number;
  readonly hitRequests: number;
  readonly coldRequests: number;
  readonly notReadyRequests: number;
  readonly expiredRequests: number;
  readonly belowMinimumRequests: number;
  readonly unexplainedRequests: number;
}

export type UsageField = keyof UsageSum;
type MutableUsageSum = { -readonly [Field in UsageField]: number };

/** By model id. */
export type LedgerTotals = ReadonlyMap<string, UsageSum>;

/** What one answer says it used. */
export interface RequestUse extends TokenCounts {
  /** As answered; an id or an alias. */
  readonly model: string;
  readonly inferenceGeo: string | null;
}

/** What the bills of many requests have in common. */
export interface LedgerTerms {
  readonly atMs: number;
  /** Whether the upstream gives the batch discount. */
  readonly isBatch: boolean;
  /** Whether the upstream takes money at all: a model of its own may bear the name of one that costs. */
  readonly isPriced: boolean;
  /** Whose prices; those published, unless it is given. */
  readonly table?: ModelTable | undefined;
}

/** Models told apart; an upstream that answers with ever new names has the rest in one. */
const MOST_MODELS = 64;
const OTHER_MODELS = 'other';
const LONGEST_NAME = 200;

/** A sum of nothing. */
export function emptyUsage(): MutableUsageSum {
  return {
    requests: 0,
    unpricedRequests: 0,
    inputTokens: 0,
    write5mTokens: 0,
    write1hTokens: 0,
    readTokens: 0,
    outputTokens: 0,
    costNanoUsd: 0,
    promptCostNanoUsd: 0,
    uncachedCostNanoUsd: 0,
    plainCostNanoUsd: 0,
    warmUpCostNanoUsd: 0,
    sharedTokens: 0,
    leastTokens: 0,
    hitRequests: 0,
    coldRequests: 0,
    notReadyRequests: 0,
    expiredRequests: 0,
    belowMinimumRequests: 0,
    unexplainedRequests: 0,
  };
}

/** Every field of a sum, in the order they are shown. */
export const USAGE_FIELDS = Object.keys(emptyUsage()) as readonly UsageField[];

/** Totals to add to. */
export class Ledger {
  readonly #sums: Map<string, MutableUsageSum>;

  constructor(totals: LedgerTotals = new Map()) {
    this.#sums = new Map([...totals].map(([model, sum]) => [model, { ...sum }]));
  }

  /** Adds one answered request, and answers what it cost; null without a price. */
  addUsage(use: RequestUse, share: PrefixShare, terms: LedgerTerms): number | null {
    const sum = this.#sumOf(use.model);
    sum.requests += 1;
    sum.inputTokens += use.inputTokens;
    sum.write5mTokens += use.write5mTokens;
    sum.write1hTokens += use.write1hTokens;
    sum.readTokens += use.readTokens;
    sum.outputTokens += use.outputTokens;
    sum.sharedTokens += share.sharedTokens;
    sum.leastTokens += share.leastTokens;
    if (share.outcome !== null) sum[OUTCOME_FIELDS[share.outcome]] += 1;
    const rates = ratesFor(use, terms);
    if (rates === null) {
      sum.unpricedRequests += 1;
      return null;
    }
    return addBills(sum, use, share, rates);
  }

  /** Adds the totals of others. */
  merge(totals: LedgerTotals): void {
    for (const [model, more] of totals) {
      const sum = this.#sumOf(model);
      for (const field of USAGE_FIELDS) sum[field] = added(sum[field], more[field]);
    }
  }

  /** As they are now; what is added later does not change them. */
  get totals(): LedgerTotals {
    return new Map([...this.#sums].map(([model, sum]) => [model, { ...sum }]));
  }

  #sumOf(name: string): MutableUsageSum {
    const model = findModel(name)?.id ?? (name === '' ? 'unknown' : name.slice(0, LONGEST_NAME));
    const key = this.#sums.has(model) || this.#sums.size < MOST_MODELS ? model : OTHER_MODELS;
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    const made = emptyUsage();
    this.#sums.set(key, made);
    return made;
  }
}

/** The totals of both. */
export function mergeTotals(one: LedgerTotals, other: LedgerTotals): LedgerTotals {
  const ledger = new Ledger(one);
  ledger.merge(other);
  return ledger.totals;
}

/** What came to `before` to make it `after`. */
export function totalsSince(after: LedgerTotals, before: LedgerTotals): LedgerTotals {
  const entries = [...after].map(([model, sum]): [string, UsageSum] => {
    const was = before.get(model);
    return [model, was === undefined ? sum : mapUsage((field) => sum[field] - was[field])];
  });
  return new Map(entries.filter(([, sum]) => USAGE_FIELDS.some((field) => sum[field] !== 0)));
}

/** All models in one. */
export function sumOfModels(totals: LedgerTotals): UsageSum {
  const all = emptyUsage();
  for (const sum of totals.values()) {
    for (const field of USAGE_FIELDS) all[field] = added(all[field], sum[field]);
  }
  return all;
}

/** A sum made field by field. */
export function mapUsage(valueOf: (field: UsageField) => number): UsageSum {
  const sum = emptyUsage();
  for (const field of USAGE_FIELDS) sum[field] = valueOf(field);
  return sum;
}

const OUTCOME_FIELDS = {
  hit: 'hitRequests',
  cold: 'coldRequests',
  not_ready: 'notReadyRequests',
  expired: 'expiredRequests',
  below_minimum: 'belowMinimumRequests',
  unexplained: 'unexplainedRequests',
} as const satisfies Readonly<Record<CacheOutcome, UsageField>>;

/** Beyond this a double skips whole numbers, and stores refuse it. Only an upstream that makes up numbers comes near. */
function added(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

function ratesFor(use: RequestUse, { atMs, isBatch, isPriced, table }: LedgerTerms): Rates | null {
  if (!isPriced) return null;
  // Spelled out: spreading the terms took six times as long as all the rest that is done for a request.
  return ratesOf(use.model, promptTokensOf(use), { atMs, isBatch, inferenceGeo: use.inferenceGeo, table });
}

function addBills(sum: MutableUsageSum, use: RequestUse, share: PrefixShare, rates: Rates): number {
  const cost = amountOf(rates, use);
  const plain = asIfWritten(use, share.longShare);
  const plainCost = amountOf(rates, plain);
  sum.costNanoUsd = added(sum.costNanoUsd, cost);
  sum.promptCostNanoUsd = added(sum.promptCostNanoUsd, amountOf(rates, withoutAnswer(use)));
  sum.uncachedCostNanoUsd = added(sum.uncachedCostNanoUsd, amountOf(rates, asIfUncached(use)));
  sum.plainCostNanoUsd = added(sum.plainCostNanoUsd, plainCost);
  sum.warmUpCostNanoUsd = added(sum.warmUpCostNanoUsd, plainCost + (share.isFirst ? warmUpCost(plain, rates) : 0));
  return cost;
}

function withoutAnswer({ inputTokens, write5mTokens, write1hTokens, readTokens }: TokenCounts): TokenCounts {
  return { inputTokens, write5mTokens, write1hTokens, readTokens, outputTokens: 0 };
}

function asIfUncached(use: TokenCounts): TokenCounts {
  const { outputTokens } = use;
  return { inputTokens: promptTokensOf(use), write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens };
}

/** The same request in a world where nobody reads: what it read it writes, for as long as its marks say. */
function asIfWritten(use: TokenCounts, longShare: number): TokenCounts {
  const readLong = Math.round(use.readTokens * longShare);
  return {
    inputTokens: use.inputTokens,
    write5mTokens: use.write5mTokens + use.readTokens - readLong,
    write1hTokens: use.write1hTokens + readLong,
    readTokens: 0,
    outputTokens: use.outputTokens,
  };
}

/** One synchronous call, without the discount, for the marked prefix and one token of answer. */
function warmUpCost({ write5mTokens, write1hTokens }: TokenCounts, rates: Rates): number {
  const tokens = { inputTokens: 0, write5mTokens, write1hTokens, readTokens: 0, outputTokens: 1 };
  return amountOf({ ...rates, isBatch: false }, tokens);
}
