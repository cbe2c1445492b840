import { billOf } from '@batchwright/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { create, results, type Item, textOf } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * What a batch is said to cost before it runs, against what it then costs: on the simulated upstream, whose answers are
 * as long as an estimate takes them to be, the two are the same to the token and to the nano-dollar.
 */
let server: TestServer;
let by: Caller;
beforeEach(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterEach(() => server.close());

const ANSWER_TOKENS = 300;

interface Tokens {
  readonly input: number;
  readonly cache_creation_5m: number;
  readonly cache_creation_1h: number;
  readonly cache_read: number;
}

interface Forecast {
  readonly tokens: Tokens & { readonly output: Readonly<Record<'low' | 'expected' | 'high', number>> };
  readonly nano_usd: Readonly<Record<'low' | 'expected' | 'high', number>> | null;
}

interface Estimate extends Forecast {
  readonly against: Readonly<Record<'no_caching' | 'plain_markers' | 'warm_up_recipe', Forecast>>;
  readonly plan: { readonly prefixes: number; readonly requests_sharing: number; readonly single: number };
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly count: number }[];
}

async function estimate(requests: readonly Item[], options: object = {}): Promise<Estimate> {
  const headers = { 'batchwright-options': JSON.stringify(options) };
  const response = await by.post('/ext/v1/estimate', { requests }, headers);
  expect(response.status, response.text).toBe(200);
  return JSON.parse(response.text) as Estimate;
}

interface Ledger {
  readonly tokens: Tokens & { readonly output: number };
  readonly nano_usd: number;
  readonly against: Readonly<Record<string, { readonly nano_usd: number }>>;
}

/** Runs the batch, and answers its ledger, which is checked against the results: their usage at the model's prices. */
async function run(requests: readonly Item[], options: object = {}): Promise<Ledger> {
  const { id } = await create(by, requests, { 'batchwright-options': JSON.stringify(options) });
  await server.finish(by, id);
  const { ledger } = JSON.parse((await by.get(`/ext/v1/batches/${id}`)).text) as { readonly ledger: Ledger };
  expect(ledger.nano_usd).toBe(await costOf(id));
  return ledger;
}

async function costOf(id: string): Promise<number> {
  let cost = 0;
  for (const { result } of await results(by, id)) {
    if (result.type !== 'succeeded') throw new Error(`a request was ${result.type}`);
    const { model, usage } = result.message as unknown as { readonly model: string; readonly usage: Usage };
    const tokens = {
      inputTokens: usage.input_tokens,
      write5mTokens: usage.cache_creation.ephemeral_5m_input_tokens,
      write1hTokens: usage.cache_creation.ephemeral_1h_input_tokens,
      readTokens: usage.cache_read_input_tokens,
      outputTokens: usage.output_tokens,
    };
    cost += billOf(model, tokens, { atMs: Date.now(), isBatch: true }) ?? NaN;
  }
  return cost;
}

interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: Readonly<Record<'ephemeral_5m_input_tokens' | 'ephemeral_1h_input_tokens', number>>;
}

interface Asked {
  readonly model?: string;
  readonly docs: number;
  readonly questions: number;
  readonly systemTokens?: number;
  readonly docTokens: number;
  readonly marker?: object | null;
}

const MARKER = { type: 'ephemeral' };

/** Every question about every document, under one system prompt, each answered at a length that is known. */
function questions({ model = 'claude-sonnet-4-5', docs, questions: count, ...asked }: Asked): readonly Item[] {
  const { systemTokens = 0, docTokens, marker = MARKER } = asked;
  const marked = marker === null ? {} : { cache_control: marker };
  const system = systemTokens === 0 ? [] : [{ type: 'text', text: textOf('system', systemTokens), ...marked }];
  return Array.from({ length: docs * count }, (_, i) => {
    const content = [
      { type: 'text', text: textOf(`doc${i % docs}`, docTokens), ...marked },
      { type: 'text', text: textOf(`@@sim{"out":${ANSWER_TOKENS}}@@ question ${i}`, 20) },
    ];
    const params = { model, max_tokens: ANSWER_TOKENS, system, messages: [{ role: 'user', content }] };
    return { custom_id: `${model}-${i}`, params };
  });
}

describe('the estimate is what the batch then costs', () => {
  test.each<[string, readonly Item[], object]>([
    ['of one document', questions({ docs: 1, questions: 3, docTokens: 1248 }), {}],
    [
      'of many documents under one system prompt',
      questions({ docs: 5, questions: 8, systemTokens: 4000, docTokens: 2000 }),
      {},
    ],
    ['of prompts that share nothing', questions({ docs: 12, questions: 1, docTokens: 2000 }), {}],
    ['of prefixes too short to be cached', questions({ docs: 2, questions: 5, docTokens: 600 }), {}],
    [
      'of what is kept for an hour',
      questions({ docs: 3, questions: 4, docTokens: 2000, marker: { ...MARKER, ttl: '1h' } }),
      {},
    ],
    ['without markers', questions({ docs: 3, questions: 4, docTokens: 2000, marker: null }), {}],
    ['with markers added', questions({ docs: 3, questions: 4, docTokens: 2000, marker: null }), { markers: 'auto' }],
    ['with markers taken out', questions({ docs: 3, questions: 4, docTokens: 2000 }), { markers: 'off' }],
    [
      'over two models',
      [
        ...questions({ docs: 2, questions: 5, docTokens: 5001 }),
        ...questions({ docs: 2, questions: 5, docTokens: 5001, model: 'claude-haiku-4-5' }),
      ],
      {},
    ],
  ])('%s', async (_, requests, options) => {
    const said = await estimate(requests, options);
    const { tokens, nano_usd: cost, against } = await run(requests, options);
    const output = { low: requests.length, expected: tokens.output, high: tokens.output };
    expect(said.tokens).toEqual({ ...tokens, output });
    expect(said.nano_usd).toMatchObject({ expected: cost, high: cost });
    expect(said.nano_usd?.low).toBeLessThan(cost);
    for (const way of ['no_caching', 'plain_markers'] as const) {
      expect(said.against[way].nano_usd?.expected).toBe(against[way]?.nano_usd);
    }
  });
});

test('three questions about the document of 1,248 tokens cost $0.00949, and by the old recipe $0.0185', async () => {
  const { nano_usd, against, plan } = await estimate(questions({ docs: 1, questions: 3, docTokens: 1248 }));
  const likely = [nano_usd, ...Object.values(against).map((other) => other.nano_usd)].map((span) => span?.expected);
  // Questions are 20 tokens here and not 12: 24 more at $1.50 a million in every row.
  const more = 36_000;
  expect(likely).toEqual([9_518_400 + more, 12_420_000 + more, 13_824_000 + more, 18_519_000 + more]);
  expect(plan).toMatchObject({ prefixes: 1, requests_sharing: 3, single: 0 });
});

test('what is said to be saved by markers is the difference between the two ways to run the batch', async () => {
  const requests = questions({ docs: 2, questions: 6, docTokens: 2000, marker: null });
  const { warnings } = await estimate(requests);
  expect(warnings).toMatchObject([{ code: 'no_markers', count: 12 }]);
  const plain = await run(requests);
  const marked = await run(requests, { markers: 'auto' });
  const dollars = (nanoUsd: number): number => nanoUsd / 1e9;
  expect(warnings[0]?.message).toContain(`about $${dollars(marked.nano_usd)} instead of $${dollars(plain.nano_usd)}`);
});

test('nothing is left of it: no batch, and nothing that the upstream saw', async () => {
  await estimate(questions({ docs: 2, questions: 5, docTokens: 2000 }));
  const listed = JSON.parse((await by.get('/v1/messages/batches')).text) as { readonly data: readonly unknown[] };
  expect(listed.data).toEqual([]);
  const ledger = JSON.parse((await by.get('/sim/ledger')).text) as { readonly totals: { readonly requests: number } };
  expect(ledger.totals.requests).toBe(0);
});
