import { findModel, findPrices, type TokenPrices } from '@batchwright/protocol';
import type { UpstreamProfile } from '../schedule/upstream-profile.ts';

/** What models cost, and how much of a prompt they cache: whoever needs either asks a table. SPEC.md M11–M13. */
export interface ModelTable {
  /** Whether it has any prices: those of an upstream that takes no money has none, and then nothing is missing. */
  readonly isPriced: boolean;
  /** Of one token by its kind, for a prompt of a length at a moment; null for a model without a known price. */
  findPrices(model: string, promptTokens: number, atMs: number): TokenPrices | null;
  /** The fewest tokens of a prefix that the model caches; null where nothing is known of that. */
  minimumCacheTokens(model: string): number | null;
}

/** What an operator says of a model, or of all whose names begin alike. What is absent is as it was. */
export interface ModelEntry {
  readonly name: string;
  /** Whether `name` is only the beginning. */
  readonly isPrefix: boolean;
  /** In nano-dollars a token. */
  readonly prices: Partial<TokenPrices>;
  readonly minimumCacheTokens: number | null;
}

/** The models as published, with prices by date. */
export const PUBLISHED_MODELS: ModelTable = {
  isPriced: true,
  findPrices,
  minimumCacheTokens: (model) => findModel(model)?.minimumCacheTokens ?? null,
};

/** Of an upstream of one's own, whose models may bear any name: nothing is known. */
export const UNKNOWN_MODELS: ModelTable = {
  isPriced: false,
  findPrices: () => null,
  minimumCacheTokens: () => null,
};

/** What is known of the models of an upstream before anybody says more. */
export function knownModels(profile: UpstreamProfile): ModelTable {
  return profile.priced ? PUBLISHED_MODELS : UNKNOWN_MODELS;
}

/**
 * A table with entries over it. Of several that fit a model the one for its name counts, under whichever name it is known,
 * and else the one for the longest beginning.
 */
export function modelTable(base: ModelTable, entries: readonly ModelEntry[]): ModelTable {
  return entries.length === 0 ? base : new OverriddenTable(base, entries);
}

class OverriddenTable implements ModelTable {
  readonly isPriced: boolean;
  readonly #base: ModelTable;
  readonly #byName: ReadonlyMap<string, ModelEntry>;
  /** The longest first. */
  readonly #beginnings: readonly ModelEntry[];

  constructor(base: ModelTable, entries: readonly ModelEntry[]) {
    this.#base = base;
    this.isPriced = base.isPriced || entries.some(hasPrices);
    const named = entries.filter(({ isPrefix }) => !isPrefix);
    this.#byName = new Map(named.map((entry) => [findModel(entry.name)?.id ?? entry.name, entry]));
    this.#beginnings = entries
      .filter(({ isPrefix }) => isPrefix)
      .toSorted((a, b) => b.name.length - a.name.length || (a.name < b.name ? -1 : 1));
  }

  findPrices(model: string, promptTokens: number, atMs: number): TokenPrices | null {
    const known = this.#base.findPrices(model, promptTokens, atMs);
    const entry = this.#entryOf(model);
    return entry === undefined || !hasPrices(entry) ? known : pricesOver(known, entry.prices);
  }

  minimumCacheTokens(model: string): number | null {
    return this.#entryOf(model)?.minimumCacheTokens ?? this.#base.minimumCacheTokens(model);
  }

  #entryOf(name: string): ModelEntry | undefined {
    const model = findModel(name);
    const named = this.#byName.get(model?.id ?? name);
    if (named !== undefined || this.#beginnings.length === 0) return named;
    const names = model === undefined ? [name] : [model.id, ...model.aliases];
    return this.#beginnings.find((entry) => names.some((known) => known.startsWith(entry.name)));
  }
}

function hasPrices({ prices }: ModelEntry): boolean {
  return Object.keys(prices).length > 0;
}

/** Where nothing is known, tokens that are written or read cost what input does: caching is then neither gain nor loss. */
function pricesOver(known: TokenPrices | null, prices: Partial<TokenPrices>): TokenPrices | null {
  if (known !== null) return { ...known, ...prices };
  const { input, output } = prices;
  if (input === undefined || output === undefined) return null;
  return { write5m: input, write1h: input, read: input, ...prices, input, output };
}
