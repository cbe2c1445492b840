import type { ModelEntry, ModelTable } from '@batchwright/core';
import { findModel, type TokenPrices } from '@batchwright/protocol';
import { isObject, parseObject, quoted, remedy } from './fault-text.ts';

/**
 * The file in which an operator says what models cost, and from how many tokens on they cache: one JSON object, by model
 * name or by the beginning of one with `*` after it. Prices are dollars per million tokens, as price lists have them.
 */
export interface PricesFile {
  readonly path: string;
  readonly models: readonly ModelEntry[];
}

/** Reads the file's text, null for none; what is wrong with it is added to the faults, one line each. */
export function readPrices(path: string, content: string | null, base: ModelTable, faults: string[]): PricesFile {
  if (content === null) {
    faults.push(`the prices file ${path} does not exist. Create it, or unset prices.`);
    return { path, models: [] };
  }
  const parsed = parseObject(content);
  if (typeof parsed === 'string') {
    faults.push(`the prices file ${path} ${parsed}. It must hold one JSON object, as in ${EXAMPLE}.`);
    return { path, models: [] };
  }
  const entries = Object.entries(parsed).filter(([name]) => name !== '$schema');
  const models = entries.map(([name, value]) => new EntryReading(name, path, faults).read(value, base));
  faults.push(...namedTwice(models, path));
  return { path, models };
}

const EXAMPLE = '{"my-model": {"input": 0.5, "output": 1.5}}';

/** The keys of an entry, and which price each is. */
const PRICE_KEYS: Readonly<Record<string, keyof TokenPrices>> = {
  input: 'input',
  write_5m: 'write5m',
  write_1h: 'write1h',
  read: 'read',
  output: 'output',
};
const MINIMUM_KEY = 'minimum_cache_tokens';
const KEYS = [...Object.keys(PRICE_KEYS), MINIMUM_KEY];

const MOST_DOLLARS = 1_000_000;
const MOST_MINIMUM_TOKENS = 10_000_000;
const NANO_USD_PER_DOLLAR_OF_A_MILLION = 1000;

/** One entry of the file, key by key. */
class EntryReading {
  readonly #name: string;
  readonly #path: string;
  readonly #faults: string[];
  readonly #prices: Partial<Record<keyof TokenPrices, number>> = {};
  #minimumCacheTokens: number | null = null;

  constructor(name: string, path: string, faults: string[]) {
    this.#name = name;
    this.#path = path;
    this.#faults = faults;
  }

  read(value: unknown, base: ModelTable): ModelEntry {
    const isPrefix = this.#name.endsWith('*');
    const name = isPrefix ? this.#name.slice(0, -1) : this.#name;
    this.#checkName(name);
    if (!isObject(value)) {
      this.#faults.push(`${this.#of()} is ${quoted(value)}, but must be an object, as in ${EXAMPLE}.`);
    } else {
      for (const key of Object.keys(value)) this.#readKey(key, value[key]);
      const isKnown = !isPrefix && base.findPrices(name, 0, Number.POSITIVE_INFINITY) !== null;
      if (!isKnown) this.#checkWhole(value);
    }
    return { name, isPrefix, prices: this.#prices, minimumCacheTokens: this.#minimumCacheTokens };
  }

  /** An entry that no model can ever have would be passed over in silence. */
  #checkName(name: string): void {
    if (this.#name === '') this.#faults.push(`${this.#of()} is no model's name. Name one, or "*" for all.`);
    if (name.includes('*')) {
      this.#faults.push(`${this.#of()} has a * before its end. Only the last character may be one, as in "my-*".`);
    }
  }

  #readKey(key: string, value: unknown): void {
    const kind = Object.hasOwn(PRICE_KEYS, key) ? PRICE_KEYS[key] : undefined;
    if (kind !== undefined) this.#readPrice(key, kind, value);
    else if (key === MINIMUM_KEY) this.#readMinimum(value);
    else {
      const otherwise = `It may be one of ${KEYS.join(', ')}.`;
      this.#faults.push(`${quoted(key)} of ${this.#of()} is no key.${remedy(key, KEYS, otherwise)}`);
    }
  }

  #readPrice(key: string, kind: keyof TokenPrices, value: unknown): void {
    const nanoUsd = typeof value === 'number' ? nanoUsdPerToken(value) : null;
    if (nanoUsd !== null) this.#prices[kind] = nanoUsd;
    else {
      this.#faults.push(
        `${quoted(key)} of ${this.#of()} is ${quoted(value)}, but must be dollars per million tokens, from 0 to ${MOST_DOLLARS} and with at most three decimals. Example: 0.5`,
      );
    }
  }

  #readMinimum(value: unknown): void {
    const isSound = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST_MINIMUM_TOKENS;
    if (isSound) this.#minimumCacheTokens = value;
    else {
      this.#faults.push(
        `"${MINIMUM_KEY}" of ${this.#of()} is ${quoted(value)}, but must be a whole number from 1 to ${MOST_MINIMUM_TOKENS}. Example: 1024`,
      );
    }
  }

  /** Half of what a request costs is no price. */
  #checkWhole(value: Readonly<Record<string, unknown>>): void {
    const given = Object.keys(PRICE_KEYS).filter((key) => Object.hasOwn(value, key));
    const missing = ['input', 'output'].filter((key) => !given.includes(key));
    if (given.length === 0 || missing.length === 0) return;
    this.#faults.push(
      `${this.#of()} has prices, but none for ${missing.join(' and ')}, of which nothing else is known. Give both input and output.`,
    );
  }

  #of(): string {
    return `${quoted(this.#name)} in ${this.#path}`;
  }
}

/** Three decimals of a dollar a million are whole nano-dollars a token; a double may be off by a little of the last. */
function nanoUsdPerToken(dollars: number): number | null {
  if (!(dollars >= 0 && dollars <= MOST_DOLLARS)) return null;
  const exact = dollars * NANO_USD_PER_DOLLAR_OF_A_MILLION;
  const nanoUsd = Math.round(exact);
  return Math.abs(exact - nanoUsd) <= nanoUsd * Number.EPSILON ? nanoUsd : null;
}

/** A model may be known under several names; which of two entries for it counted nobody could see. */
function namedTwice(models: readonly ModelEntry[], path: string): readonly string[] {
  const faults: string[] = [];
  const seen = new Map<string, string>();
  for (const { name, isPrefix } of models) {
    const id = isPrefix ? null : findModel(name)?.id;
    if (id === null || id === undefined) continue;
    const before = seen.get(id);
    if (before === undefined) seen.set(id, name);
    else faults.push(`${quoted(before)} and ${quoted(name)} in ${path} are names of one model. Keep one of them.`);
  }
  return faults;
}
