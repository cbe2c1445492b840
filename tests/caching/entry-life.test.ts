import { afterEach, beforeEach, expect, test } from 'vitest';
import { create, itemTaking, MODEL, results, type Item } from '../harness/batches.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** For how long `markers: auto` asks the upstream to keep what it writes, by what the server has seen of its calls. */
const DOC_TOKENS = 8000;

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

function question(n: number): Item {
  const content = [
    { type: 'text', text: 'doc '.padEnd(DOC_TOKENS * 4, 'lorem ipsum ') },
    { type: 'text', text: `question ${n}` },
  ];
  return { custom_id: `q${n}`, params: { model: MODEL, max_tokens: 50, messages: [{ role: 'user', content }] } };
}

/** Tokens that a batch of three questions about one document wrote, by how long they are kept. */
async function written(): Promise<Record<string, number>> {
  const requests = [0, 1, 2].map(question);
  const { id } = await create(server.k1a, requests, { 'batchwright-options': '{"markers":"auto"}' });
  await server.finish(server.k1a, id);
  const totals: Record<string, number> = {};
  for (const { result } of await results(server.k1a, id)) {
    if (result.type !== 'succeeded') throw new Error(`a request was ${result.type}`);
    const { usage } = result.message as unknown as { readonly usage: { cache_creation: Record<string, number> } };
    for (const [life, tokens] of Object.entries(usage.cache_creation)) totals[life] = (totals[life] ?? 0) + tokens;
  }
  return totals;
}

async function runOne(durationMs: number): Promise<void> {
  const { id } = await create(server.k1a, [itemTaking('long', durationMs)]);
  await server.finish(server.k1a, id);
}

test('five minutes are asked for where nothing is known, and where calls are short', async () => {
  expect(await written()).toEqual({ ephemeral_5m_input_tokens: DOC_TOKENS, ephemeral_1h_input_tokens: 0 });
});

test('an hour is asked for once calls have taken longer than five minutes', async () => {
  await runOne(320_000);
  expect(await written()).toEqual({ ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: DOC_TOKENS });
});
