import { describe, expect, it } from 'vitest';
import { billOf, type TokenCounts } from './bill.ts';
import { modelTable, PUBLISHED_MODELS, UNKNOWN_MODELS, type ModelEntry } from './model-table.ts';

const NOW_MS = Date.parse('2026-11-21T00:00:00Z');
const NOTHING: TokenCounts = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

const entry = (
  name: string,
  prices: ModelEntry['prices'] = {},
  minimumCacheTokens: number | null = null,
): ModelEntry => {
  const isPrefix = name.endsWith('*');
  return { name: isPrefix ? name.slice(0, -1) : name, isPrefix, prices, minimumCacheTokens };
};

const published = (...entries: readonly ModelEntry[]) => modelTable(PUBLISHED_MODELS, entries);
const own = (...entries: readonly ModelEntry[]) => modelTable(UNKNOWN_MODELS, entries);

describe('M11 what an operator says of a model', () => {
  it('M11 goes before what is published, field by field', () => {
    const table = published(entry('claude-sonnet-4-5', { read: 7 }, 99));
    expect(table.findPrices('claude-sonnet-4-5', 0, NOW_MS)).toEqual({
      ...PUBLISHED_MODELS.findPrices('claude-sonnet-4-5', 0, NOW_MS),
      read: 7,
    });
    expect(table.minimumCacheTokens('claude-sonnet-4-5')).toBe(99);
  });

  it('M11 leaves the dates and the longer prompts of the rest as published', () => {
    const table = published(entry('claude-haiku-5-5', { output: 1 }));
    expect(table.findPrices('claude-haiku-5-5', 100_001, NOW_MS)).toMatchObject({ input: 500, output: 1 });
    expect(table.findPrices('claude-haiku-5-5', 100_000, NOW_MS)).toMatchObject({ input: 100, output: 1 });
  });

  it('M11 says nothing of others', () => {
    const table = published(entry('claude-sonnet-4-5', { read: 7 }, 99), entry('my-*', { input: 1, output: 1 }));
    for (const model of ['claude-opus-5', 'mine', 'claude-sonnet-4-6']) {
      expect(table.findPrices(model, 0, NOW_MS)).toEqual(PUBLISHED_MODELS.findPrices(model, 0, NOW_MS));
      expect(table.minimumCacheTokens(model)).toBe(PUBLISHED_MODELS.minimumCacheTokens(model));
    }
  });

  it('M11 holds for a model under all of its names', () => {
    for (const name of [
      'claude-haiku-4-5',
      'claude-haiku-4-5-20251001',
      'claude-haiku-4-5*',
      'claude-haiku-4-5-2025*',
    ]) {
      const table = published(entry(name, { input: 5 }));
      expect(table.findPrices('claude-haiku-4-5', 0, NOW_MS)?.input).toBe(5);
      expect(table.findPrices('claude-haiku-4-5-20251001', 0, NOW_MS)?.input).toBe(5);
    }
  });

  it('M11 for its name goes before what is said for a beginning, and the longest of these before the others', () => {
    const table = own(
      entry('qwen*', { input: 1, output: 1 }),
      entry('qwen3-32b', { input: 3, output: 3 }),
      entry('qwen3*', { input: 2, output: 2 }),
    );
    const inputs = ['qwen2', 'qwen3-8b', 'qwen3-32b', 'qwen3', 'gemma'].map(
      (model) => table.findPrices(model, 0, NOW_MS)?.input,
    );
    expect(inputs).toEqual([1, 2, 3, 2, undefined]);
  });

  it('M11 may be the minimum alone, and then the prices stay as they are', () => {
    const table = own(entry('a', {}, 256), entry('b', { input: 1, output: 2 }));
    expect([table.findPrices('a', 0, NOW_MS), table.minimumCacheTokens('a')]).toEqual([null, 256]);
    expect(table.minimumCacheTokens('b')).toBeNull();
  });
});

describe('M12 a model of which nothing was known', () => {
  it('M12 costs what is said, and for cached tokens what input costs', () => {
    expect(own(entry('m', { input: 10, output: 40 })).findPrices('m', 0, NOW_MS)).toEqual({
      input: 10,
      write5m: 10,
      write1h: 10,
      read: 10,
      output: 40,
    });
    const said = { input: 10, write5m: 12, write1h: 20, read: 1, output: 40 };
    expect(own(entry('m', said)).findPrices('m', 0, NOW_MS)).toEqual(said);
  });

  it('M12 has no price as long as input or output is not known', () => {
    expect(own(entry('m', { read: 1, output: 4 })).findPrices('m', 0, NOW_MS)).toBeNull();
    expect(own(entry('m', { input: 1 })).findPrices('m', 0, NOW_MS)).toBeNull();
  });

  it('M12 is billed by the table that is asked', () => {
    const tokens = { ...NOTHING, inputTokens: 100, readTokens: 1000, outputTokens: 10 };
    const table = own(entry('m', { input: 10, read: 1, output: 40 }));
    expect(billOf('m', tokens, { atMs: NOW_MS, isBatch: false, table })).toBe(1000 + 1000 + 400);
    expect(billOf('m', tokens, { atMs: NOW_MS, isBatch: true, table })).toBe(1200);
    expect(billOf('m', tokens, { atMs: NOW_MS, isBatch: false })).toBeNull();
  });
});

describe('M13 a table without prices', () => {
  it('M13 is one of an upstream that takes no money, whatever its models are called', () => {
    expect(UNKNOWN_MODELS.isPriced).toBe(false);
    expect(own(entry('m', {}, 64)).isPriced).toBe(false);
    expect(own().findPrices('claude-sonnet-4-5', 0, NOW_MS)).toBeNull();
    expect(own(entry('m', { input: 1, output: 1 })).findPrices('claude-sonnet-4-5', 0, NOW_MS)).toBeNull();
  });

  it('M13 has prices as soon as one is said', () => {
    expect(own(entry('m', { input: 1, output: 1 })).isPriced).toBe(true);
    expect(published().isPriced).toBe(true);
  });
});
