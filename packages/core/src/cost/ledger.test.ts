import { describe, expect, it } from 'vitest';
import { documentsAndQuestions } from '../prefix/prompts.fixture.ts';
import { billOf } from './bill.ts';
import { planOf, settle, sumOf, SONNET, TERMS, use } from './ledger.fixture.ts';
import { Ledger, sumOfModels, totalsSince } from './ledger.ts';
import { NO_SHARE } from './prefix-account.ts';

describe('three questions about one document of 1,248 tokens, 300 tokens answered each', () => {
  const plan = planOf(documentsAndQuestions(1, 3, { document: 1248, question: 12 }));
  const reads = { inputTokens: 12, readTokens: 1248, outputTokens: 300 };
  const sum = settle(plan, [
    { request: 0, tokens: { inputTokens: 12, write5mTokens: 1248, outputTokens: 300 } },
    { request: 1, tokens: reads },
    { request: 2, tokens: reads },
  ]);

  it('M2 costs half of $0.0190368', () => {
    expect(sum.costNanoUsd).toBe(9_518_400);
    expect(sum.costNanoUsd - sum.promptCostNanoUsd).toBe((900 * 15_000) / 2);
  });

  it('M3 would have cost $0.01242 uncached, $0.013824 written by all, $0.018519 after a warm-up', () => {
    expect(sum.uncachedCostNanoUsd).toBe(12_420_000);
    expect(sum.plainCostNanoUsd).toBe(13_824_000);
    expect(sum.warmUpCostNanoUsd).toBe(18_519_000);
  });
});

it('M2 the sum of odd halves is that of bills rounded one by one', () => {
  const tokens = use({ model: 'claude-haiku-5-5', write5mTokens: 1 });
  expect(sumOf(tokens, tokens).costNanoUsd).toBe(126);
  expect(billOf('claude-haiku-5-5', { ...tokens, write5mTokens: 2 }, TERMS)).toBe(125);
});

it('M2 a request is billed by the price of its moment and of its region', () => {
  const ledger = new Ledger();
  const reads = use({ model: 'claude-sonnet-5-5', readTokens: 1000 });
  const bill = (date: string, inferenceGeo: string | null = null): number | null =>
    ledger.addUsage({ ...reads, inferenceGeo }, NO_SHARE, { ...TERMS, atMs: Date.parse(date) });
  expect(bill('2026-10-06T23:59:59Z')).toBe(100_000);
  expect(bill('2026-10-07T00:00:00Z')).toBe(50_000);
  expect(bill('2026-10-07T00:00:00Z', 'us')).toBe(55_000);
  expect(sumOfModels(ledger.totals).costNanoUsd).toBe(205_000);
});

it('M3 a warm-up is billed without the discount, and with what the region adds', () => {
  const plan = planOf(documentsAndQuestions(1, 2, { document: 2000, question: 10 }));
  const sum = settle(plan, [
    { request: 0, tokens: { model: 'claude-opus-5', write5mTokens: 2000, inferenceGeo: 'us' } },
  ]);
  const written = 2000 * 6250;
  expect(sum.warmUpCostNanoUsd).toBe((written * 11) / 20 + ((written + 25_000) * 11) / 10);
});

it('M3 what marks keep for an hour is written for an hour by everybody', () => {
  const system = { text: 'system', tokens: 3000, mark: '1h' } as const;
  const prompts = documentsAndQuestions(2, 3, { document: 1000, question: 10 }, '5m').map((p) => [system, ...p]);
  const plan = planOf(prompts, { markers: 'respect' });
  const sum = settle(plan, [{ request: 0, tokens: { readTokens: 4000 } }]);
  expect(sum.plainCostNanoUsd).toBe((3000 * 6000 + 1000 * 3750) / 2);
});

it('M4 a model without a price has its tokens counted, and no money', () => {
  const sum = sumOf(use({ model: 'local', inputTokens: 10, outputTokens: 5 }), use({ inputTokens: 2 }));
  expect(sum).toMatchObject({ requests: 2, unpricedRequests: 1, inputTokens: 12, outputTokens: 5, costNanoUsd: 3000 });
});

it('M4 an upstream that takes no money has no prices, whatever its models are called', () => {
  const ledger = new Ledger();
  expect(ledger.addUsage(use({ inputTokens: 10 }), NO_SHARE, { ...TERMS, isPriced: false })).toBeNull();
  expect(sumOfModels(ledger.totals)).toMatchObject({ unpricedRequests: 1, inputTokens: 10, costNanoUsd: 0 });
});

it('M4 an alias is summed with what it names', () => {
  const ledger = new Ledger();
  for (const model of ['claude-sonnet-4-5', SONNET, '']) ledger.addUsage(use({ model }), NO_SHARE, TERMS);
  expect([...ledger.totals.keys()]).toEqual([SONNET, 'unknown']);
});

it('M10 of ever new models the rest is one, and no name is longer than 200 characters', () => {
  const ledger = new Ledger();
  for (let i = 0; i < 100; i++) ledger.addUsage(use({ model: `${i}-${'x'.repeat(300)}` }), NO_SHARE, TERMS);
  expect(ledger.totals.size).toBe(65);
  expect(ledger.totals.get('other')?.requests).toBe(36);
  expect([...ledger.totals.keys()].every((name) => name.length <= 200)).toBe(true);
});

it('M10 sums stop where numbers stop being exact', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const one = new Map([['m', { ...sumOf(), costNanoUsd: most }]]);
  const ledger = new Ledger(one);
  ledger.merge(one);
  expect(ledger.totals.get('m')?.costNanoUsd).toBe(most);
});

it('M1 totals are as of when they were asked for', () => {
  const ledger = new Ledger();
  ledger.addUsage(use({ inputTokens: 1 }), NO_SHARE, TERMS);
  const before = ledger.totals;
  ledger.addUsage(use({ inputTokens: 2 }), NO_SHARE, TERMS);
  expect(before.get(SONNET)?.inputTokens).toBe(1);
  expect(totalsSince(ledger.totals, before).get(SONNET)).toMatchObject({ requests: 1, inputTokens: 2 });
  expect(totalsSince(before, before).size).toBe(0);
});
