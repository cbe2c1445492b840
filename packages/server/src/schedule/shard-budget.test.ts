import { planPrefixes, PUBLISHED_MODELS, unplanned, type BatchRecord, type PlacedPlan } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import type { Billing } from '../results/shard-ledger.ts';
import { ShardBudget } from './shard-budget.ts';

const MODEL = 'claude-sonnet-4-5';
const BILLING: Billing = { isBatch: false, isPriced: true, table: PUBLISHED_MODELS, reports: 'full' };
const NOW_MS = Date.UTC(2026, 10, 21);
const PRICES = { input: 3000, write5m: 3750, write1h: 6000, read: 300, output: 15_000 };
const ANSWER = 10 * PRICES.output;

/** Three requests that share a block of 2,000 tokens and have one of 50 of their own; the fourth shares nothing. */
function plan(ttl: '5m' | '1h' = '5m'): PlacedPlan {
  const blocks = {
    requestCount: 4,
    firstBlock: Uint32Array.of(0, 2, 4, 6, 7),
    hash: Float64Array.of(1, 2, 1, 3, 1, 4, 5),
    tokens: Uint32Array.of(2000, 2050, 2000, 2050, 2000, 2050, 700),
    traits: new Uint8Array(7).fill(4),
    model: new Uint16Array(4),
    models: [MODEL],
  };
  return planPrefixes(blocks, {
    markers: 'auto',
    profile: 'required',
    minimumTokens: () => 1024,
    ttlClass: ttl,
  });
}

function budgetOf(options: { markers?: 'auto' | 'off'; plan?: PlacedPlan; billing?: Billing } = {}): ShardBudget {
  const batch = { options: { counts: 'live', markers: options.markers ?? 'auto', budgetNanoUsd: 1e12 } };
  return new ShardBudget(batch as BatchRecord, options.plan ?? plan(), options.billing ?? BILLING, new Map());
}

const marked = (ttl: string) => ({ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl } });
const plain = { type: 'text', text: 'x' };
const params = (content: readonly unknown[] = [plain, plain], more: object = {}): Uint8Array =>
  Buffer.from(JSON.stringify({ model: MODEL, max_tokens: 10, messages: [{ role: 'user', content }], ...more }));

function reserved(budget: ShardBudget, request: number, isWarm: boolean, body = params()): number {
  expect(budget.reserve(request, body, isWarm, NOW_MS)).toBe(true);
  return budget.reservedNanoUsd;
}

describe('what is reserved for a request', () => {
  it('is the price of a write for who leads, and of a read for who follows', () => {
    const rest = 50 * PRICES.input + ANSWER;
    expect(reserved(budgetOf(), 0, false)).toBe(2000 * PRICES.write5m + rest);
    expect(reserved(budgetOf({ plan: plan('1h') }), 0, false)).toBe(2000 * PRICES.write1h + rest);
    expect(reserved(budgetOf(), 1, true)).toBe(2000 * PRICES.read + rest);
  });

  it('is that of input for who shares nothing, and of a write where it is marked', () => {
    expect(reserved(budgetOf(), 3, false)).toBe(700 * PRICES.input + ANSWER);
    expect(reserved(budgetOf(), 3, false, params([marked('5m')]))).toBe(700 * PRICES.write5m + ANSWER);
    expect(reserved(budgetOf(), 3, false, params([marked('1h'), marked('5m')]))).toBe(700 * PRICES.write1h + ANSWER);
    expect(reserved(budgetOf({ markers: 'off' }), 3, false, params([marked('5m')]))).toBe(700 * PRICES.input + ANSWER);
  });

  it('counts a mark behind the shared prefix, and not the prefix’s own', () => {
    const prefix = 2000 * PRICES.read + ANSWER;
    expect(reserved(budgetOf(), 1, true, params([marked('5m'), plain]))).toBe(prefix + 50 * PRICES.input);
    expect(reserved(budgetOf(), 1, true, params([plain, marked('5m')]))).toBe(prefix + 50 * PRICES.write5m);
  });

  it('is halved with the batch discount, and nothing without a price', () => {
    const half = (700 * PRICES.input + ANSWER) / 2;
    expect(reserved(budgetOf({ billing: { ...BILLING, isBatch: true } }), 3, false)).toBe(half);
    expect(reserved(budgetOf({ billing: { ...BILLING, isPriced: false } }), 3, false)).toBe(0);
    expect(reserved(budgetOf(), 3, false, params([plain], { model: 'local' }))).toBe(0);
  });

  it('rests on the size of its params where no plan was kept', () => {
    const body = params();
    const tokens = Math.ceil(body.byteLength / 4);
    expect(reserved(budgetOf({ plan: unplanned(4) }), 3, false, body)).toBe(tokens * PRICES.input + ANSWER);
  });
});
