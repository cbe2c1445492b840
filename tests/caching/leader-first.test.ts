import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { create, results, type Item, textOf } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * What prompt caching costs on a whole server: the tokens that the upstream bills, against the fewest there can be. The
 * simulated upstream counts four bytes as a token and has the API's rules of caching.
 */
const MODEL = 'claude-sonnet-4-5';
const DOC_TOKENS = 2000;
const QUESTION_TOKENS = 10;

let server: TestServer;
let by: Caller;
beforeEach(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterEach(() => server.close());

function question(doc: string, n: number, marked: boolean): Item {
  const marker = marked ? { cache_control: { type: 'ephemeral' } } : {};
  const content = [
    { type: 'text', text: textOf(doc, DOC_TOKENS), ...marker },
    { type: 'text', text: textOf(`q${n}`, QUESTION_TOKENS) },
  ];
  return { custom_id: `${doc}-${n}`, params: { model: MODEL, max_tokens: 50, messages: [{ role: 'user', content }] } };
}

function questions(docs: number, count: number, marked = true): readonly Item[] {
  return Array.from({ length: docs * count }, (_, i) => question(`doc${i % docs}`, Math.floor(i / docs), marked));
}

interface Bill {
  readonly written: number;
  readonly read: number;
  readonly input: number;
}

async function run(requests: readonly Item[], options: object = {}, caller = by): Promise<Bill> {
  const { id } = await create(caller, requests, { 'batchwright-options': JSON.stringify(options) });
  await server.finish(caller, id);
  return billOf(caller, id);
}

async function billOf(caller: Caller, id: string): Promise<Bill> {
  const bill = { written: 0, read: 0, input: 0 };
  for (const { result } of await results(caller, id)) {
    if (result.type !== 'succeeded') throw new Error(`a request was ${result.type}`);
    const { usage } = result.message as { readonly usage: Record<string, number> };
    bill.written += usage['cache_creation_input_tokens'] ?? 0;
    bill.read += usage['cache_read_input_tokens'] ?? 0;
    bill.input += usage['input_tokens'] ?? 0;
  }
  return bill;
}

describe('a batch with shared documents', () => {
  test('writes each once and reads it for every other request', async () => {
    expect(await run(questions(5, 20))).toEqual({
      written: 5 * DOC_TOKENS,
      read: 5 * 19 * DOC_TOKENS,
      input: 100 * QUESTION_TOKENS,
    });
  });

  test('lets the simulator see why each request went when it did', async () => {
    await run(questions(1, 4));
    const { data } = JSON.parse((await by.get('/sim/ledger')).text) as {
      readonly data: readonly { readonly reason: string }[];
    };
    expect(data.map(({ reason }) => reason).toSorted()).toEqual(['leads', 'warm', 'warm', 'warm']);
  });

  test('without markers caches nothing as sent, and with markers: auto as if it had them', async () => {
    expect(await run(questions(3, 10, false))).toEqual({
      written: 0,
      read: 0,
      input: 30 * (DOC_TOKENS + QUESTION_TOKENS),
    });
    expect(await run(questions(3, 10, false), { markers: 'auto' })).toEqual({
      written: 3 * DOC_TOKENS,
      read: 3 * 9 * DOC_TOKENS,
      input: 30 * QUESTION_TOKENS,
    });
  });

  test('with markers: off is sent without the client’s', async () => {
    expect(await run(questions(2, 5), { markers: 'off' })).toMatchObject({ written: 0, read: 0 });
  });

  test('with cache_scope: server finds what another workspace wrote', async () => {
    await server.close();
    server = await startTestServer({ cacheScope: 'server' });
    await run(questions(2, 5), {}, server.k1a);
    expect(await run(questions(2, 5), {}, server.k2)).toMatchObject({ written: 0, read: 10 * DOC_TOKENS });
  });

  test('finds what another batch of its workspace wrote, and nothing of another workspace', async () => {
    await run(questions(2, 5));
    expect(await run(questions(2, 5))).toMatchObject({ written: 0, read: 10 * DOC_TOKENS });
    expect(await run(questions(2, 5), {}, server.k2)).toMatchObject({ written: 2 * DOC_TOKENS });
  });
});
