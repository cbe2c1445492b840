import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancel, create, results, retrieve, type Item, textOf } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { raw } from '../harness/raw-http.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * What a batch cost, on a whole server: to the token and to the nano-dollar, against what was predicted, against what
 * other ways would have cost, and against the upstream's own account.
 */
const MODEL = 'claude-sonnet-4-5';
const ANSWER_TOKENS = 300;
const DAY_MS = 86_400_000;

let server: TestServer;
let by: Caller;
beforeEach(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterEach(() => server.close());

/** One question about a document: 12 tokens to be answered with 300. */
function question(doc: string, n: number, docTokens = 1248, params: object = {}): Item {
  const directive = `@@sim${JSON.stringify({ out: ANSWER_TOKENS })}@@`;
  const content = [
    { type: 'text', text: textOf(doc, docTokens), cache_control: { type: 'ephemeral' } },
    { type: 'text', text: textOf(`${directive} ${doc[0]}${n}`, 12) },
  ];
  const messages = [{ role: 'user', content }];
  return { custom_id: `${doc}-${n}`, params: { model: MODEL, max_tokens: 1000, messages, ...params } };
}

const questions = (doc: string, count: number): readonly Item[] =>
  Array.from({ length: count }, (_, n) => question(doc, n));

interface Money {
  readonly cost_usd: string | null;
  readonly nano_usd: number | null;
}
type Tokens = Readonly<Record<string, number>>;
type Against = Readonly<Record<'no_caching' | 'plain_markers' | 'warm_up_recipe', Money>>;

interface Ledger extends Money {
  readonly results: number;
  readonly requests: number;
  readonly tokens: Tokens;
  readonly prompts: Money;
  readonly against: Against;
  readonly cache: {
    readonly write_amplification: number | null;
    readonly hit_share: number | null;
    readonly requests: Tokens;
  };
  readonly models: readonly (Money & { readonly model: string })[];
}

interface Details {
  readonly batch: unknown;
  readonly progress: Readonly<Record<string, number | string | null>>;
  readonly plan: { readonly prefixes: number; readonly predicted: Money & { tokens: Tokens; against: Against } };
  readonly ledger: Ledger;
  readonly schedule: { readonly waiting_for_leader: number; readonly turns: Tokens } | null;
}

async function details(id: string): Promise<Details> {
  const response = await by.get(`/ext/v1/batches/${id}`);
  expect(response.status, response.text).toBe(200);
  return JSON.parse(response.text) as Details;
}

async function usage(query = '', caller = by): Promise<Ledger & { readonly days: readonly { date: string }[] }> {
  const response = await caller.get(`/ext/v1/usage${query}`);
  expect(response.status, response.text).toBe(200);
  return JSON.parse(response.text) as Ledger & { readonly days: readonly { date: string }[] };
}

async function run(requests: readonly Item[], options: object = {}): Promise<string> {
  const { id } = await create(by, requests, { 'batchwright-options': JSON.stringify(options) });
  await server.finish(by, id);
  return id;
}

describe('three questions about one document of 1,248 tokens', () => {
  test('cost $0.0095184, which was predicted, and less than any other way', async () => {
    const { ledger, plan } = await details(await run(questions('doc', 3)));
    expect(ledger.tokens).toEqual({
      ...{ input: 36, cache_creation_5m: 1248, cache_creation_1h: 0, cache_read: 2496 },
      output: 900,
    });
    expect([ledger.cost_usd, ledger.nano_usd]).toEqual(['0.0095184', 9_518_400]);
    expect(plan.predicted.nano_usd).toBe(ledger.prompts.nano_usd);
    expect({ ...plan.predicted.tokens, output: 900 }).toEqual(ledger.tokens);
    const against = Object.entries(ledger.against).map(([way, { nano_usd }]) => [way, nano_usd]);
    expect(Object.fromEntries(against)).toEqual({
      no_caching: 12_420_000,
      plain_markers: 13_824_000,
      warm_up_recipe: 18_519_000,
    });
    expect(ledger.cache).toEqual({
      write_amplification: 1,
      hit_share: 1,
      requests: { hit: 2, cold: 1, not_ready: 0, expired: 0, below_minimum: 0, unexplained: 0 },
    });
  });

  test('cost what the upstream says they cost', async () => {
    const { ledger } = await details(await run(questions('doc', 3)));
    const { text } = await raw(server.url, { method: 'GET', path: '/sim/ledger', headers: {} });
    const account = JSON.parse(text) as { totals: Record<string, number> };
    expect(Object.values(account.totals)).toContain(ledger.nano_usd);
  });

  test('are followed while they run: what is held back, why each went, and the bill so far', async () => {
    const { id } = await create(by, questions('doc', 3));
    await server.advance(100);
    const atStart = await details(id);
    expect(atStart.progress).toMatchObject({ pending: 2, in_flight: 1, settled: 0 });
    expect(atStart.schedule).toMatchObject({ waiting_for_leader: 2, turns: { leads: 1, warm: 0 } });
    expect(atStart.ledger).toMatchObject({ results: 0, requests: 0, nano_usd: 0 });
    await server.until(async () => (await details(id)).ledger.results > 0);
    const later = await details(id);
    expect(later.ledger.requests).toBe(later.progress['settled']);
    await server.finish(by, id);
    expect((await details(id)).ledger).toMatchObject({ results: 3, nano_usd: 9_518_400 });
  });
});

test('what an earlier batch of the workspace wrote need not be written again, and all of it is read', async () => {
  await run(questions('doc', 3));
  const { ledger } = await details(await run(questions('doc', 3)));
  expect(ledger.tokens).toMatchObject({ cache_creation_5m: 0, cache_read: 3 * 1248 });
  expect(ledger.cache).toMatchObject({ write_amplification: null, hit_share: 1, requests: { hit: 3, cold: 0 } });
});

test('what nobody used for longer than it lives is written again, and said to have expired', async () => {
  const slow = (n: number): Item => {
    const item = question('doc', n);
    const [doc] = (item.params['messages'] as { content: object[] }[])[0]!.content;
    const own = { type: 'text', text: `@@sim${JSON.stringify({ ttft_ms: 1000, dur_ms: 400_000 })}@@ ${n}` };
    return { ...item, params: { ...item.params, messages: [{ role: 'user', content: [doc, own] }] } };
  };
  await server.close();
  server = await startTestServer({ concurrency: 1 });
  by = server.k1a;
  const { ledger } = await details(await run([slow(0), slow(1), slow(2)]));
  expect(ledger.cache).toMatchObject({ write_amplification: 3, hit_share: 0, requests: { cold: 1, expired: 2 } });
});

test('a prefix below the minimum is billed as input, and said to be so', async () => {
  const { ledger, plan } = await details(await run([0, 1].map((n) => question('doc', n, 600))));
  expect(ledger.tokens).toMatchObject({ input: 2 * 612, cache_creation_5m: 0, cache_read: 0 });
  expect(ledger.nano_usd).toBe(ledger.against.no_caching.nano_usd);
  expect(plan.prefixes).toBe(0);
});

test('requests that fail cost nothing, and those that were canceled neither', async () => {
  const bad = question('doc', 9, 1248, { max_tokens: 'many' });
  const { ledger } = await details(await run([...questions('doc', 2), bad]));
  expect(ledger).toMatchObject({ results: 3, requests: 2 });
  const { id } = await create(by, questions('other', 3));
  await cancel(by, id);
  await server.finish(by, id);
  expect((await details(id)).ledger).toMatchObject({ results: 3, requests: 0, nano_usd: 0 });
});

test('models are told apart', async () => {
  const other = question('doc', 3, 1248, { model: 'claude-haiku-4-5' });
  const { ledger } = await details(await run([...questions('doc', 3), other]));
  const [sonnet, haiku] = ledger.models;
  expect([sonnet?.nano_usd, haiku?.model]).toEqual([9_518_400, 'claude-haiku-4-5-20251001']);
  expect(ledger.nano_usd).toBe(9_518_400 + (haiku?.nano_usd ?? 0));
  // Below this model's minimum the marker writes nothing.
  expect(haiku?.nano_usd).toBe((1260 * 1000 + 300 * 5000) / 2);
});

describe('the ledger outlives', () => {
  test('the results of its batch, which are archived after 29 days', async () => {
    const id = await run(questions('doc', 3));
    const before = await details(id);
    await server.advance(29 * DAY_MS + 1000);
    await server.until(async () => (await retrieve(by, id)).archived_at !== null);
    expect((await details(id)).ledger).toEqual(before.ledger);
  });

  test('its batch, in the usage of the workspace', async () => {
    const id = await run(questions('doc', 3));
    expect((await usage()).nano_usd).toBe(9_518_400);
    await by.delete(`/v1/messages/batches/${id}`);
    expect((await by.get(`/ext/v1/batches/${id}`)).status).toBe(404);
    const { days, nano_usd, models } = await usage();
    expect([days.length, nano_usd, models.length]).toEqual([1, 9_518_400, 1]);
    expect((await usage('', server.k2)).days).toEqual([]);
  });
});

test('metrics tell what was spent, on which tokens, and why each request went', async () => {
  await run(questions('doc', 3));
  const { text } = await raw(server.url, { method: 'GET', path: '/metrics', headers: {} });
  const value = (sample: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')[1],
    );
  expect(value('batchwright_cost_nano_usd_total')).toBe(9_518_400);
  expect(value('batchwright_tokens_total{kind="cache_creation_5m"}')).toBe(1248);
  expect(value('batchwright_tokens_total{kind="cache_creation_1h"}')).toBe(0);
  expect(value('batchwright_turns_total{reason="leads"}')).toBe(1);
  expect(value('batchwright_turns_total{reason="warm"}')).toBe(2);
  expect(value('batchwright_requests_waiting_for_leader')).toBe(0);
});

test('the results are those the ledger was made of', async () => {
  const id = await run([...questions('one', 4), ...questions('two', 5)]);
  const sum = { input: 0, cache_creation_5m: 0, cache_creation_1h: 0, cache_read: 0, output: 0 };
  for (const { result } of await results(by, id)) {
    if (result.type !== 'succeeded') throw new Error(result.type);
    const said = (result.message as { usage: Record<string, number> & { cache_creation: Record<string, number> } })
      .usage;
    sum.input += said['input_tokens'] ?? 0;
    sum.cache_creation_5m += said.cache_creation['ephemeral_5m_input_tokens'] ?? 0;
    sum.cache_creation_1h += said.cache_creation['ephemeral_1h_input_tokens'] ?? 0;
    sum.cache_read += said['cache_read_input_tokens'] ?? 0;
    sum.output += said['output_tokens'] ?? 0;
  }
  expect((await details(id)).ledger.tokens).toEqual(sum);
});
