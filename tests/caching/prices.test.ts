import { afterEach, expect, test } from 'vitest';
import type { Config } from '@batchwright/server';
import { create, results, type Item, textOf } from '../harness/batches.ts';
import { startReplica, type Replica } from '../harness/replicas.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Prices and minimums that an operator sets, from the option to the bill. */
const MODEL = 'claude-sonnet-4-5';
const DOC_TOKENS = 600;
const QUESTION_TOKENS = 10;
const QUESTIONS = 10;
/** In nano-dollars a token. */
const PRICES = { input: 1000, write5m: 2000, write1h: 3000, read: 10, output: 5000 };

let server: TestServer | null = null;
let replica: Replica | null = null;
afterEach(async () => {
  await server?.close();
  await replica?.close();
  [server, replica] = [null, null];
});

const pricesFor = (name: string, minimumCacheTokens: number | null = null): Pick<Config, 'prices'> => ({
  prices: { path: '/prices.json', models: [{ name, isPrefix: false, prices: PRICES, minimumCacheTokens }] },
});

function questions(): readonly Item[] {
  return Array.from({ length: QUESTIONS }, (_, i) => ({
    custom_id: `q-${i}`,
    params: {
      model: MODEL,
      max_tokens: 50,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: textOf('document', DOC_TOKENS), cache_control: { type: 'ephemeral' } },
            { type: 'text', text: textOf(`q${i}`, QUESTION_TOKENS) },
          ],
        },
      ],
    },
  }));
}

/** Runs the batch, and answers what the upstream said it used and what the ledger makes of it. */
async function run(overrides: Partial<Config>) {
  server = await startTestServer(overrides);
  const { id } = await create(server.k1a, questions());
  await server.finish(server.k1a, id);
  const tokens = { input: 0, write5m: 0, write1h: 0, read: 0, output: 0 };
  for (const { result } of await results(server.k1a, id)) {
    if (result.type !== 'succeeded') throw new Error(`a request was ${result.type}`);
    const { usage } = result.message as { readonly usage: Record<string, number> };
    tokens.input += usage['input_tokens'] ?? 0;
    tokens.write5m += usage['cache_creation_input_tokens'] ?? 0;
    tokens.read += usage['cache_read_input_tokens'] ?? 0;
    tokens.output += usage['output_tokens'] ?? 0;
  }
  const details = await server.k1a.get(`/ext/v1/batches/${id}`);
  expect(details.status, details.text).toBe(200);
  const { ledger } = JSON.parse(details.text) as { readonly ledger: { readonly nano_usd: number | null } };
  return { tokens, nanoUsd: ledger.nano_usd };
}

function costOf(tokens: Readonly<Record<keyof typeof PRICES, number>>): number {
  const kinds = Object.keys(PRICES) as (keyof typeof PRICES)[];
  return kinds.reduce((sum, kind) => sum + PRICES[kind] * tokens[kind], 0);
}

test('a minimum that was lowered lets shorter prefixes be planned and cached', async () => {
  expect((await run({})).tokens).toMatchObject({ write5m: 0, read: 0 });
  await server?.close();
  expect((await run(pricesFor(MODEL, 512))).tokens).toMatchObject({
    write5m: DOC_TOKENS,
    read: (QUESTIONS - 1) * DOC_TOKENS,
  });
});

test('prices that were set are billed, with the discount where there is one', async () => {
  const { tokens, nanoUsd } = await run(pricesFor(MODEL, 512));
  expect(nanoUsd).toBe(costOf(tokens) / 2);
});

test('a model of one’s own costs nothing until it has prices, whatever it is called', async () => {
  replica = await startReplica();
  const upstream = { type: 'messages', baseUrls: [replica.url] } as const;
  const own = { clock: 'real', upstream, upstreamProfile: 'vllm' } as const;
  expect((await run(own)).nanoUsd).toBeNull();
  await server?.close();
  const { tokens, nanoUsd } = await run({ ...own, ...pricesFor(MODEL) });
  expect(nanoUsd).toBe(costOf(tokens));
});
