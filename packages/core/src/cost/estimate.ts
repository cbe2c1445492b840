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

/**
 * The estimate of a batch under a plan that was made on the same terms. `maxTokens` is of each request, 0: none.
 * `plannedUsage` says what each is expected to use where not everything is written once, as in waves.
 */
export function estimateBatch(
  blocks: PromptBlocks,
  plan: PlacedPlan,
  maxTokens: Uint32Array,
  terms: EstimateTerms,
  plannedUsage?: (request: number) => Readonly<PredictedUsage>,
): BatchEstimate {
  const models = blocks.models.map((name) => new ModelOutlook(name, terms));
  const byModel = new Map(models.map(({ id }) => [id, new Tally()]));
  const tallies = models.map(({ id }) => byModel.get(id) as Tally);
  const warmed = new Set<number>();
  const [noCaching, plainMarkers, warmUp] = [new Tally(), new Tally(), new Tally()];
  forEachExpectedUsage(blocks, plan, terms, (request, usage) => {
    const number = blocks.model[request] as number;
    const model = models[number] as ModelOutlook;
    const planned = plannedUsage?.(request) ?? usage.planned;
    const total = totalOf(planned);
    const rates = model.ratesFor(total);
    const output = model.answerWithin(maxTokens[request] as number);
    (tallies[number] as Tally).add(planned, output, rates);
    noCaching.addPlain(total, output, rates);
    plainMarkers.add(usage.unread, output, rates);
    if (usage.markedHash === null || warmed.has(usage.markedHash)) return;
    warmed.add(usage.markedHash);
    const marked = total - usage.unread.input;
    warmUp.add({ ...usage.unread, input: 0 }, WARM_UP_ANSWER, model.warmUpRatesFor(marked));
  });
  const planned = new Tally();
  for (const tally of byModel.values()) planned.merge(tally);
  warmUp.merge(plainMarkers);
  const heedsMarkers = terms.profile === 'required';
  return {
    requests: blocks.requestCount,
    ...planned.forecast(),
    models: [...byModel].map(([model, tally]) => ({ model, requests: tally.requests, ...tally.forecast() })),
    against: {
      noCaching: noCaching.forecast(),
      plainMarkers: heedsMarkers ? plainMarkers.forecast() : null,
      warmUpRecipe: heedsMarkers ? warmUp.forecast() : null,
    },
  };
}

function totalOf({ written5m, written1h, read, input }: PredictedUsage): number {
  return written5m + written1h + read + input;
}

/** What is known of a model before anything is sent to it. */
class ModelOutlook {
  readonly id: string;
  readonly #terms: EstimateTerms;
  /** Synchronous calls get no discount. */
  readonly #warmUpTerms: EstimateTerms;
  readonly #longestAnswer: number;

  constructor(name: string, terms: EstimateTerms) {
    const model = findModel(name);
    this.id = model?.id ?? name;
    this.#terms = terms;
    this.#warmUpTerms = { ...terms, isBatch: false };
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

  warmUpRatesFor(promptTokens: number): Rates | null {
    return this.#terms.isPriced ? ratesOf(this.id, promptTokens, this.#warmUpTerms) : null;
  }

  /** A request without `max_tokens` is refused when it runs, and so answered with nothing. */
  answerWithin(maxTokens: number): Span {
    const high = Math.min(maxTokens, this.#longestAnswer);
    return { low: Math.min(1, high), expected: Math.min(USUAL_ANSWER_TOKENS, high), high };
  }
}

/** A sum of requests, each billed by itself. Nothing is allocated for one: a batch may have 100,000. */
class Tally {
  requests = 0;
  readonly #tokens = { written5m: 0, written1h: 0, read: 0, input: 0 };
  readonly #output = { low: 0, expected: 0, high: 0 };
  readonly #nanoUsd = { low: 0, expected: 0, high: 0 };
  /** False from the first request on that has no price: what is left out of a sum makes it no sum. */
  #isPriced = true;
  readonly #bill = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

  add(prompt: PredictedUsage, output: Span, rates: Rates | null): void {
    this.#addOne(prompt.written5m, prompt.written1h, prompt.read, prompt.input, output, rates);
  }

  /** A request of which nothing is cached. */
  addPlain(promptTokens: number, output: Span, rates: Rates | null): void {
    this.#addOne(0, 0, 0, promptTokens, output, rates);
  }

  merge(other: Tally): void {
    this.requests += other.requests;
    this.#isPriced &&= other.#isPriced;
    for (const kind of ['written5m', 'written1h', 'read', 'input'] as const) this.#tokens[kind] += other.#tokens[kind];
    for (const bound of ['low', 'expected', 'high'] as const) {
      this.#output[bound] += other.#output[bound];
      this.#nanoUsd[bound] += other.#nanoUsd[bound];
    }
  }

  forecast(): Forecast {
    const tokens = { ...this.#tokens, output: { ...this.#output } };
    return { tokens, nanoUsd: this.#isPriced ? { ...this.#nanoUsd } : null };
  }

  #addOne(written5m: number, written1h: number, read: number, input: number, output: Span, rates: Rates | null): void {
    this.requests += 1;
    const bill = this.#bill;
    this.#tokens.written5m += bill.write5mTokens = written5m;
    this.#tokens.written1h += bill.write1hTokens = written1h;
    this.#tokens.read += bill.readTokens = read;
    this.#tokens.input += bill.inputTokens = input;
    this.#isPriced &&= rates !== null;
    this.#addBound('low', output.low, rates);
    this.#addBound('expected', output.expected, rates);
    this.#addBound('high', output.high, rates);
  }

  #addBound(bound: keyof Span, outputTokens: number, rates: Rates | null): void {
    this.#output[bound] += this.#bill.outputTokens = outputTokens;
    if (rates !== null) this.#nanoUsd[bound] += amountOf(rates, this.#bill);
  }
}
