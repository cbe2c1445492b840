import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_STATUS, type BatchResult } from '@batchwright/protocol';
import {
  BATCHES,
  cancel,
  create,
  createRunning,
  expectError,
  item,
  items,
  itemTaking,
  results,
  resultsById,
  rowsOf,
  tallyOf,
  type Item,
} from '../harness/batches.ts';
import { OLD_VERSION, type Caller } from '../harness/caller.ts';
import { startProxy } from '../harness/proxy.ts';
import { raw } from '../harness/raw-http.ts';
import { SDK_NAMES, collect, sdkClient } from '../harness/sdk-clients.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 69–80: the results file, its rows, and how they reach a client. */
let server: TestServer;
let by: Caller;
beforeAll(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterAll(() => server.close());

const BAD_MODEL = { model: 'no-such-model' };

async function ended(requests: readonly Item[]): Promise<string> {
  const { id } = await create(by, requests);
  await server.finish(by, id);
  return id;
}

/** Two of each kind that can be had without waiting a day. */
async function endedWithEveryKind(): Promise<string> {
  const requests = [
    item('good-1'),
    item('good-2'),
    item('bad-1', BAD_MODEL),
    item('bad-2', { stream: true }),
    itemTaking('endless-1', 3_600_000),
    itemTaking('endless-2', 3_600_000),
  ];
  const { id } = await create(by, requests);
  await server.advance(30_000);
  await cancel(by, id);
  await server.finish(by, id);
  return id;
}

describe('the file', () => {
  test('69 there is none before the batch ended', async () => {
    const { id } = await createRunning(server, by, [itemTaking('slow', 3_600_000)]);
    const words = `Message Batch ${id} has no available results.`;
    expectError(await by.get(`${BATCHES}/${id}/results`), 404, 'not_found_error', words);
    await cancel(by, id);
    expectError(await by.get(`${BATCHES}/${id}/results`), 404, 'not_found_error', words);
  });

  test('70 afterwards it has one line for each request', async () => {
    const id = await ended(items(50));
    const response = await by.get(`${BATCHES}/${id}/results`);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/x-jsonl');
    const ids = rowsOf(response).map((row) => row.custom_id);
    expect(ids.toSorted()).toEqual(
      items(50)
        .map(({ custom_id }) => custom_id)
        .toSorted(),
    );
  });

  test('71 whatever the client accepts, it is the same', async () => {
    const id = await ended(items(3));
    const bodies = [];
    for (const accept of ['application/binary', 'application/x-jsonl', 'application/json', '*/*', 'image/png']) {
      const response = await by.get(`${BATCHES}/${id}/results`, { accept });
      expect(response.status).toBe(200);
      bodies.push(response.text);
    }
    expect(new Set(bodies).size).toBe(1);
  });

  test('73 rows come in the order requests end, so a client matches by custom_id', async () => {
    const requests = Array.from({ length: 6 }, (_, i) => itemTaking(`n-${i}`, (6 - i) * 1_000));
    const id = await ended(requests);
    const order = (await results(by, id)).map((row) => row.custom_id);
    expect(order).not.toEqual(requests.map(({ custom_id }) => custom_id));
    const { batches } = sdkClient('TS 1.11', { baseURL: server.url, apiKey: by.key });
    const byId = new Map((await collect(await batches.results(id))).map((row) => [row.custom_id, row.result.type]));
    for (const { custom_id } of requests) expect(byId.get(custom_id)).toBe('succeeded');
  });

  test('77 its tally is what the counters say', async () => {
    const id = await endedWithEveryKind();
    const batch = JSON.parse((await by.get(`${BATCHES}/${id}`)).text) as { request_counts: object };
    const tally = tallyOf(await results(by, id));
    expect(tally).toEqual({ succeeded: 2, errored: 2, canceled: 2, expired: 0 });
    expect(batch.request_counts).toEqual({ processing: 0, ...tally });
  });

  test('80 a batch whose every request failed has ended, with results', async () => {
    const id = await ended([item('a', BAD_MODEL), item('b', { max_tokens: 0 }), { custom_id: 'c', params: {} }]);
    const batch = JSON.parse((await by.get(`${BATCHES}/${id}`)).text) as { request_counts: object };
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 0, errored: 3, canceled: 0, expired: 0 });
    expect(tallyOf(await results(by, id))).toMatchObject({ errored: 3 });
  });
});

describe('a row', () => {
  let byId: ReadonlyMap<string, BatchResult>;
  beforeAll(async () => {
    byId = await resultsById(by, await endedWithEveryKind());
  });

  test('74 of a success is a full message of the resolved model, at the batch tier', () => {
    const result = byId.get('good-1');
    expect(result && Object.keys(result)).toEqual(['type', 'message']);
    expect(result).toMatchObject({
      type: 'succeeded',
      message: {
        id: expect.stringMatching(/^msg_/),
        type: 'message',
        role: 'assistant',
        model: 'claude-haiku-4-5-20251001',
        content: [{ type: 'text', text: expect.stringMatching(/./) }],
        stop_reason: expect.any(String),
        stop_sequence: null,
        usage: {
          input_tokens: expect.any(Number),
          output_tokens: expect.any(Number),
          cache_creation_input_tokens: expect.any(Number),
          cache_read_input_tokens: expect.any(Number),
          service_tier: 'batch',
        },
      },
    });
  });

  test('75 of a failure nests the error twice', () => {
    for (const customId of ['bad-1', 'bad-2']) {
      const result = byId.get(customId);
      if (result?.type !== 'errored') throw new Error(`${customId} is ${result?.type}`);
      expect(Object.keys(result).toSorted()).toEqual(['error', 'type']);
      const { error } = result;
      expect(error.type).toBe('error');
      expect(Object.keys(ERROR_STATUS)).toContain(error.error.type);
      expect(error.error.message).toMatch(/./);
      expect(error.request_id === null || typeof error.request_id === 'string').toBe(true);
      expect(error).toHaveProperty('request_id');
    }
  });

  test('76 of a canceled request says only that', () => {
    expect(byId.get('endless-1')).toEqual({ type: 'canceled' });
    expect(byId.get('endless-2')).toEqual({ type: 'canceled' });
  });
});

describe('reaching it', () => {
  test('78 results_url has the host that the client used', async () => {
    const id = await ended(items(2));
    const { port } = new URL(server.url);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) {
      const headers = { 'x-api-key': by.key, 'anthropic-version': OLD_VERSION, host };
      const response = await raw(server.url, { path: `${BATCHES}/${id}`, headers });
      const { results_url } = JSON.parse(response.text) as { results_url: string };
      expect(results_url).toBe(`http://${host}${BATCHES}/${id}/results`);
    }
  });

  test('78 a configured public URL is used instead, its path included', async () => {
    const named = await startTestServer({ publicUrl: 'https://batches.example.com/anthropic' });
    try {
      const { id } = await create(named.k1a, items(1));
      const batch = await named.finish(named.k1a, id);
      expect(batch.results_url).toBe(`https://batches.example.com/anthropic${BATCHES}/${id}/results`);
    } finally {
      await named.close();
    }
  });

  test.each(SDK_NAMES)('78 %s reads the results', async (name) => {
    const id = await ended([...items(4), item('bad', BAD_MODEL)]);
    const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key });
    const rows = await collect(await batches.results(id));
    expect(rows.map((row) => row.result.type).toSorted()).toEqual(['errored', ...Array(4).fill('succeeded')]);
  });

  test('79 it can be downloaded again', async () => {
    const id = await ended(items(20));
    const first = await by.get(`${BATCHES}/${id}/results`);
    const second = await by.get(`${BATCHES}/${id}/results`);
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });

  test('79 its end is framed, so that a cut connection is no short success', async () => {
    const id = await ended(items(20));
    const { headers, bytes } = await by.get(`${BATCHES}/${id}/results`);
    if (headers['transfer-encoding'] !== 'chunked') expect(Number(headers['content-length'])).toBe(bytes.length);
    const proxy = await startProxy({
      target: server.url,
      plan: ({ path }) => (path.endsWith('/results') ? { type: 'cut_body', afterBytes: 700 } : { type: 'pass' }),
    });
    try {
      for (const name of SDK_NAMES) {
        const { batches } = sdkClient(name, { baseURL: proxy.url, apiKey: by.key, maxRetries: 0 });
        await expect(batches.results(id).then(collect), name).rejects.toThrow();
      }
    } finally {
      await proxy.close();
    }
  });
});
