/**
 * What a batch would use and cost, before it is run: prompts as its plan has them, answers within bounds. Pure arithmetic
 * over what intake noted; each request is billed by itself, as the ledger bills it, so that the two agree to the
 * nano-dollar wherever the tokens do.
 */
import { findModel } from '@batchwright/protocol';
import { forEachExpectedUsage } from '../prefix/expected-usage.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PlanOptions } from '../prefix/plan-prefixes.ts';
import type { PredictedUsage } from '../prefix/predicted-usage.ts';
import type { PromptBlocks } from '../prefix/prompt-blocks.ts';
import { amountOf, ratesOf, type Rates } from './bill.ts';
import type { ModelTable } from './model-table.ts';

/** Sums of three: the least there can be, what is likely, the most. */
export interface Span {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** Tokens and money of some requests, run in some way. */
export interface Forecast {
  readonly tokens: PredictedUsage & { readonly output: Span };
  /** Null when a model has no known price, or the upstream none. */
  readonly nanoUsd: Span | null;
}

export interface ModelForecast extends Forecast {
  /** The id where the name is known, else the name; empty for requests that name none. */
  readonly model: string;
  readonly requests: number;
}

export interface BatchEstimate extends Forecast {
  readonly requests: number;
  /** In order of first appearance. */
  readonly models: readonly ModelForecast[];
  /** The same answers, had the prompts been handled otherwise. The last two are null where markers mean nothing. */
  readonly against: {
    /** Nothing is cached. */
    readonly noCaching: Forecast;
    /** Every request writes its marked prefix and reads nothing, as in a native batch whose prefixes are cold. */
    readonly plainMarkers: Forecast | null;
    /** That, and before it one synchronous call for each marked prefix, which the batch then cannot read. */
    readonly warmUpRecipe: Forecast | null;
  };
}

export interface EstimateTerms extends Pick<PlanOptions, 'markers' | 'profile' | 'minimumTokens'> {
  /** Whether the upstream has prices at all. */
  readonly isPriced: boolean;
  /** Whether the batch discount applies. */
  readonly isBatch: boolean;
  /** When the batch would run: prices change. */
  readonly atMs: number;
  /** Whose prices; those published, unless it is given. */
  readonly table?: ModelTable;
}

/** An answer whose length nobody knows is taken to be this long, or as long as it may be where that is less. */
export const USUAL_ANSWER_TOKENS = 300;

/** Of a model that is not known; none there is writes more. */
const LONGEST_ANSWER_TOKENS = 1_000_000;
const LONGEST_BATCH_ANSWER_TOKENS = 300_000;
/** What a warm-up call asks for. */
const WARM_UP_ANSWER: Span = { low: 1, expected: 1, high: 1 };

/** The estimate of a batch under a plan that was made on the same terms. `maxTokens` is of each request, 0: none. */
export function estimateBatch(
  blocks: PromptBlocks,
  plan: PlacedPlan,
  maxTokens: Uint32Array,
  terms: EstimateTerms,
): BatchEstimate {
  const models = blocks.models.map((name) => new ModelOutlook(name, terms));
  const warmed = new Set<number>();
  const [planned, noCaching, plainMarkers, warmUp] = [new Tally(), new Tally(), new Tally(), new Tally()];
  const byModel = new Map<string, { readonly tally: Tally; requests: number }>();
  forEachExpectedUsage(blocks, plan, terms, (request, usage) => {
    const model = models[blocks.model[request] as number] as ModelOutlook;
    const total = totalOf(usage.planned);
    const rates = model.ratesFor(total);
    const output = model.answerWithin(maxTokens[request] as number);
    const own = byModel.get(model.id) ?? { tally: new Tally(), requests: 0 };
    byModel.set(model.id, own);
    own.requests += 1;
    own.tally.add(usage.planned, output, rates);
    planned.add(usage.planned, output, rates);
    noCaching.add({ ...NOTHING, input: total }, output, rates);
    plainMarkers.add(usage.unread, output, rates);
    if (usage.markedHash === null || warmed.has(usage.markedHash)) return;
    warmed.add(usage.markedHash);
    warmUp.add({ ...usage.unread, input: 0 }, WARM_UP_ANSWER, model.warmUpRatesFor(total - usage.unread.input));
  });
  const heedsMarkers = terms.profile === 'required';
  return {
    requests: blocks.requestCount,
    ...planned.forecast(),
    models: [...byModel].map(([model, { tally, requests }]) => ({ model, requests, ...tally.forecast() })),
    against: {
      noCaching: noCaching.forecast(),
      plainMarkers: heedsMarkers ? plainMarkers.forecast() : null,
      warmUpRecipe: heedsMarkers ? warmUp.with(plainMarkers).forecast() : null,
    },
  };
}

const NOTHING: PredictedUsage = { written5m: 0, written1h: 0, read: 0, input: 0 };

function totalOf({ written5m, written1h, read, input }: PredictedUsage): number {
  return written5m + written1h + read + input;
}

/** What is known of a model before anything is sent to it. */
class ModelOutlook {
  readonly id: string;
  readonly #terms: EstimateTerms;
  readonly #longestAnswer: number;

  constructor(name: string, terms: EstimateTerms) {
    const model = findModel(name);
    this.id = model?.id ?? name;
    this.#terms = terms;
    this.#longestAnswer =
      model === undefined
        ? LONGEST_ANSWER_TOKENS
        : model.output300k
          ? LONGEST_BATCH_ANSWER_TOKENS
          : model.maxOutputTokens;
  }

  ratesFor(promptTokens: number): Rates | null {
    return this.#terms.isPriced ? ratesOf(this.id, promptTokens, this.#terms) : null;
  }

  /** Synchronous calls get no discount. */
  warmUpRatesFor(promptTokens: number): Rates | null {
    return this.#terms.isPriced ? ratesOf(this.id, promptTokens, { ...this.#terms, isBatch: false }) : null;
  }

  /** A request without `max_tokens` is refused when it runs, and so answered with nothing. */
  answerWithin(maxTokens: number): Span {
    const high = Math.min(maxTokens, this.#longestAnswer);
    return { low: Math.min(1, high), expected: Math.min(USUAL_ANSWER_TOKENS, high), high };
  }
}

/** A sum of requests. Its money is null from the first request on that has no price. */
class Tally {
  #prompt: PredictedUsage = NOTHING;
  #output: Span = NO_SPAN;
  #nanoUsd: Span | null = NO_SPAN;

  add(prompt: PredictedUsage, output: Span, rates: Rates | null): void {
    this.#prompt = addUsage(this.#prompt, prompt);
    this.#output = addSpans(this.#output, output);
    if (this.#nanoUsd === null) return;
    this.#nanoUsd = rates === null ? null : addSpans(this.#nanoUsd, billSpan(prompt, output, rates));
  }

  with(other: Tally): Tally {
    const sum = new Tally();
    sum.#prompt = addUsage(this.#prompt, other.#prompt);
    sum.#output = addSpans(this.#output, other.#output);
    sum.#nanoUsd = this.#nanoUsd === null || other.#nanoUsd === null ? null : addSpans(this.#nanoUsd, other.#nanoUsd);
    return sum;
  }

  forecast(): Forecast {
    return { tokens: { ...this.#prompt, output: this.#output }, nanoUsd: this.#nanoUsd };
  }
}

const NO_SPAN: Span = { low: 0, expected: 0, high: 0 };

function addUsage(one: PredictedUsage, other: PredictedUsage): PredictedUsage {
  return {
    written5m: one.written5m + other.written5m,
    written1h: one.written1h + other.written1h,
    read: one.read + other.read,
    input: one.input + other.input,
  };
}

function addSpans(one: Span, other: Span): Span {
  return { low: one.low + other.low, expected: one.expected + other.expected, high: one.high + other.high };
}

function billSpan(prompt: PredictedUsage, output: Span, rates: Rates): Span {
  const bill = (outputTokens: number): number =>
    amountOf(rates, {
      inputTokens: prompt.input,
      write5mTokens: prompt.written5m,
      write1hTokens: prompt.written1h,
      readTokens: prompt.read,
      outputTokens,
    });
  return { low: bill(output.low), expected: bill(output.expected), high: bill(output.high) };
}
