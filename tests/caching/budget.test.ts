import { afterEach, beforeEach, expect, test } from 'vitest';
import { create, results, retrieve, type Item } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** A cap on what a batch may cost, on a whole server whose upstream is the simulated one: it has the API's prices. */
const MODEL = 'claude-sonnet-4-5';
const COUNT = 100;
const CONCURRENCY = 8;
const DOC_TOKENS = 2000;
const ANSWER_TOKENS = 100;
/** Per request: 2,010 tokens of prompt at most, written at $3.75 a million, and 100 of answer at $15; halved in a batch. */
const DEAREST = (2010 * 3750 + ANSWER_TOKENS * 15_000) / 2;

let server: TestServer;
let by: Caller;
beforeEach(async () => {
  server = await startTestServer({ concurrency: CONCURRENCY });
  by = server.k1a;
});
afterEach(() => server.close());

interface Budget {
  readonly usd: string;
  readonly spent_usd: string;
  readonly reserved_usd: string;
  readonly state: 'open' | 'exhausted';
  readonly unpriced_requests: number;
}

/** Questions about one document, or about one each. */
function questions(isShared: boolean, model = MODEL): readonly Item[] {
  return Array.from({ length: COUNT }, (_, i) => {
    const doc = `doc${isShared ? '' : i} `.padEnd(DOC_TOKENS * 4, 'lorem ipsum ');
    const marker = isShared ? { cache_control: { type: 'ephemeral' } } : {};
    const content = [
      { type: 'text', text: doc, ...marker },
      { type: 'text', text: `@@sim{"out":${ANSWER_TOKENS}}@@`.padEnd(40) },
    ];
    const messages = [{ role: 'user', content }];
    return { custom_id: `q${i}`, params: { model, max_tokens: ANSWER_TOKENS, messages } };
  });
}

async function start(requests: readonly Item[], usd: string | number): Promise<string> {
  const headers = { 'batchwright-options': JSON.stringify({ budget_usd: usd }) };
  return (await create(by, requests, headers)).id;
}

async function budgetOf(id: string): Promise<Budget> {
  return (JSON.parse((await by.get(`/ext/v1/batches/${id}`)).text) as { readonly budget: Budget }).budget;
}

/** The calls of which the schedule tells. */
async function turnsOf(id: string): Promise<number> {
  const { text } = await by.get(`/ext/v1/batches/${id}`);
  const { schedule } = JSON.parse(text) as { readonly schedule: { readonly turns: Readonly<Record<string, number>> } };
  return Object.values(schedule.turns).reduce((sum, turns) => sum + turns, 0);
}

/** Lets time pass until nothing is in flight any more. */
async function paused(id: string): Promise<Budget> {
  let budget = await budgetOf(id);
  await server.until(async () => {
    budget = await budgetOf(id);
    return budget.state === 'exhausted' && budget.reserved_usd === '0.00';
  });
  return budget;
}

const nano = (usd: string): number => Math.round(Number(usd) * 1e9);
/** What the shared batch costs in all: one write, the rest reads. */
const SHARED = 0.5 * (2000 * 3750 + 99 * 2000 * 300 + COUNT * (10 * 3000 + ANSWER_TOKENS * 15_000)) * 1e-9;
const SINGLE = 0.5 * COUNT * (2010 * 3000 + ANSWER_TOKENS * 15_000) * 1e-9;

test.each([
  ['that share a document', true, SHARED],
  ['that share nothing', false, SINGLE],
])(
  'a batch of requests %s is paused at half of its cost, and ends when the cap is raised',
  async (_, isShared, cost) => {
    const half = (cost / 2).toFixed(9);
    const id = await start(questions(isShared), half);
    const budget = await paused(id);
    expect(nano(budget.spent_usd)).toBeLessThanOrEqual(nano(half));
    expect(nano(budget.spent_usd)).toBeGreaterThan(nano(half) - DEAREST);
    const { request_counts: counts, processing_status: status } = await retrieve(by, id);
    expect(status).toBe('in_progress');
    expect(Math.abs(counts.succeeded - COUNT / 2)).toBeLessThanOrEqual(CONCURRENCY);

    expect(await turnsOf(id)).toBe(counts.succeeded);

    const raised = await by.post(`/ext/v1/batches/${id}/budget`, { usd: (cost * 2).toFixed(9) });
    expect(raised.status, raised.text).toBe(200);
    await server.finish(by, id);
    const rows = await results(by, id);
    expect(new Set(rows.map((row) => row.custom_id)).size).toBe(COUNT);
    expect(rows.every((row) => row.result.type === 'succeeded')).toBe(true);
    expect(rows).toHaveLength(COUNT);
    expect(nano((await budgetOf(id)).spent_usd)).toBe(nano(cost.toFixed(9)));
    const ledger = JSON.parse((await by.get('/sim/ledger')).text) as { readonly totals: { readonly requests: number } };
    expect(ledger.totals.requests).toBe(COUNT);
  },
);

test('a cap below the cost of one request lets none go, and the batch can be canceled', async () => {
  const id = await start(questions(false), '0.000000001');
  expect(await paused(id)).toMatchObject({ spent_usd: '0.00', state: 'exhausted' });
  const metrics = (await by.get('/metrics')).text;
  expect(metrics).toContain('batchwright_batches_paused_by_budget 1');
  await by.post(`/v1/messages/batches/${id}/cancel`);
  const ended = await server.finish(by, id);
  expect(ended.request_counts).toMatchObject({ canceled: COUNT, succeeded: 0 });
});

test('a model without a known price is refused a budget, by name', async () => {
  const headers = { 'batchwright-options': '{"budget_usd":1}' };
  const refused = await by.post('/v1/messages/batches', { requests: questions(true, 'my-model') }, headers);
  expect(refused.status).toBe(400);
  expect(refused.text).toContain('No price is known for the model `my-model`');
  expect((await create(by, questions(true, 'my-model'))).processing_status).toBe('in_progress');
});
