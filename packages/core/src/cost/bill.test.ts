import { MODELS } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { billOf, promptTokensOf, type TokenCounts } from './bill.ts';

const SONNET = 'claude-sonnet-4-5';
const NOW_MS = Date.parse('2026-11-21T00:00:00Z');
const ANSWERED = { outputTokens: 50_000 };
const NONE: TokenCounts = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };

function bill(model: string, tokens: Partial<TokenCounts>, isBatch = false, atMs = NOW_MS): number | null {
  return billOf(model, { ...NONE, ...tokens }, { atMs, isBatch });
}

describe('three questions about one document of 1,248 tokens, 300 tokens answered each', () => {
  const outputTokens = 900;
  it.each([
    ['no markers', { inputTokens: 3780 }, 24_840_000, 12_420_000],
    ['everybody writes', { inputTokens: 36, write5mTokens: 3744 }, 27_648_000, 13_824_000],
    ['one writes, two read', { inputTokens: 36, write5mTokens: 1248, readTokens: 2496 }, 19_036_800, 9_518_400],
  ])('%s', (_, tokens, full, half) => {
    expect(bill(SONNET, { ...tokens, outputTokens })).toBe(full);
    expect(bill(SONNET, { ...tokens, outputTokens }, true)).toBe(half);
  });
});

it('a hundred thousand requests over a hundred documents cost $1,071.90, and half of it in a batch', () => {
  const tokens = {
    inputTokens: 5_000_000,
    write5mTokens: 2_000_000,
    readTokens: 1_998_000_000,
    outputTokens: 30_000_000,
  };
  expect(bill(SONNET, tokens)).toBe(1_071_900_000_000);
  expect(bill(SONNET, tokens, true)).toBe(535_950_000_000);
});

it('a prefix that everybody writes and nobody reads costs more than none', () => {
  const uncached = bill(SONNET, { inputTokens: 2_005_000_000, outputTokens: 30_000_000 });
  const stampede = bill(SONNET, { inputTokens: 5_000_000, write5mTokens: 2_000_000_000, outputTokens: 30_000_000 });
  expect([uncached, stampede]).toEqual([6_465_000_000_000, 7_965_000_000_000]);
});

it.each([
  ['claude-opus-5-5', 4000, 5000, 8000, 200, 20_000],
  ['claude-fable-5-1', 10_000, 12_500, 20_000, 250, 50_000],
  ['claude-sonnet-5-5', 2000, 2500, 4000, 100, 10_000],
  ['claude-haiku-4-5-20251001', 1000, 1250, 2000, 100, 5000],
])('each kind of token has its price: %s', (model, ...prices) => {
  const kinds = ['inputTokens', 'write5mTokens', 'write1hTokens', 'readTokens', 'outputTokens'] as const;
  expect(kinds.map((kind) => bill(model, { [kind]: 1 }))).toEqual(prices);
});

it('a price holds from its day on', () => {
  const read = (date: string): number | null =>
    bill('claude-sonnet-5-5', { readTokens: 1000 }, false, Date.parse(date));
  expect(read('2026-09-01T00:00:00Z')).toBe(200_000);
  expect(read('2026-10-06T23:59:59.999Z')).toBe(200_000);
  expect(read('2026-10-07T00:00:00Z')).toBe(100_000);
});

it('Haiku 5.5 is dearer as a whole once the prompt, cached or not, is longer than 100,000 tokens', () => {
  const at = (inputTokens: number): number | null =>
    bill('claude-haiku-5-5', { inputTokens, readTokens: 60_000, write5mTokens: 10_000, outputTokens: 100 });
  expect(at(30_000)).toBe(30_000 * 100 + 60_000 * 10 + 10_000 * 125 + 100 * 500);
  expect(at(30_001)).toBe(30_001 * 500 + 60_000 * 50 + 10_000 * 625 + 100 * 2500);
});

it('half of an odd total is rounded up, and the surcharge of a region is part of the same rounding', () => {
  expect(bill('claude-haiku-5-5', { write5mTokens: 1 }, true)).toBe(63);
  const us = (isBatch: boolean, model: string): number | null =>
    billOf(model, { ...NONE, write5mTokens: 1 }, { atMs: NOW_MS, isBatch, inferenceGeo: 'us' });
  expect(us(false, 'claude-haiku-5-5')).toBe(138);
  expect(us(true, 'claude-haiku-5-5')).toBe(69);
  expect(us(false, 'claude-haiku-4-5')).toBe(1250);
});

it('aliases cost what they name; a model without a price has no bill', () => {
  expect(bill('claude-haiku-4-5', { inputTokens: 7 })).toBe(7000);
  const priceless = MODELS.filter((model) => model.lifecycle !== 'retired' && bill(model.id, NONE) === null);
  expect(priceless.map((model) => model.id)).toEqual([
    'claude-mythos-5-2',
    'claude-fable-5-2',
    'claude-mythos-preview',
  ]);
  expect(bill('some-local-model', { inputTokens: 1 })).toBeNull();
});

it('a prompt is all of its tokens but none of the answer', () => {
  expect(
    promptTokensOf({ ...NONE, inputTokens: 1, write5mTokens: 20, write1hTokens: 300, readTokens: 4000, ...ANSWERED }),
  ).toBe(4321);
});
