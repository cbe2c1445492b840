import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BATCHES, MODEL, create, item, items, itemTaking, list, rowsOf, type Item } from '../harness/batches.ts';
import { OLD_VERSION, type Caller } from '../harness/caller.ts';
import { startProxy, type ProxyStep } from '../harness/proxy.ts';
import { raw, type RawResponse } from '../harness/raw-http.ts';
import { SDK_NAMES, collect, sdkClient, type SdkBatches } from '../harness/sdk-clients.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * Conformance, items 107–110: whole round trips as clients make them. The TypeScript SDKs are run as published. The
 * Python and Go SDKs cannot be loaded from TypeScript; the requests they send, header by header, are sent raw.
 */
let server: TestServer;
let by: Caller;
beforeAll(async () => {
  // A proxy tells of the path it stands at in a header, which counts only where the operator says so.
  server = await startTestServer({ trustProxy: 'yes' });
  by = server.k1a;
});
afterAll(() => server.close());

async function roundTrip(batches: SdkBatches): Promise<void> {
  const created = await batches.create({ requests: [...items(3)] });
  expect(created.processing_status).toBe('in_progress');

  await server.until(async () => (await batches.retrieve(created.id)).processing_status === 'ended');
  const rows = await collect(await batches.results(created.id));
  expect(rows.map(({ custom_id }) => custom_id).toSorted()).toEqual(['item-0', 'item-1', 'item-2']);
  for (const row of rows) expect(row.result).toMatchObject({ type: 'succeeded', message: { role: 'assistant' } });
  expect((await collect(batches.list({ limit: 100 }))).map(({ id }) => id)).toContain(created.id);

  const other = await batches.create({ requests: [itemTaking('endless', 3_600_000)] });
  expect((await batches.cancel(other.id)).processing_status).toBe('canceling');
  // Longer than the grace that a cancel leaves, far shorter than the request would take.
  await server.advance(30_000);
  const canceled = await batches.retrieve(other.id);
  expect(canceled).toMatchObject({ processing_status: 'ended', request_counts: { canceled: 1 } });
  for (const { id } of [created, other]) {
    expect(await batches.delete(id)).toMatchObject({ id, type: 'message_batch_deleted' });
    await expect(Promise.resolve(batches.retrieve(id))).rejects.toMatchObject({ status: 404 });
  }
}

describe('the official TypeScript SDKs', () => {
  test.each(SDK_NAMES)('107 %s makes the round trip with a base URL and a key alone', async (name) => {
    await roundTrip(sdkClient(name, { baseURL: server.url, apiKey: by.key }).batches);
  });

  test.each(SDK_NAMES)('107 %s sees a refused batch as its own error, with the request id', async (name) => {
    const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key });
    const refused = Promise.resolve(batches.create({ requests: [] }));
    await expect(refused).rejects.toMatchObject({ status: 400, requestID: expect.stringMatching(/^req_/) });
    const unknown = Promise.resolve(batches.retrieve('/'));
    await expect(unknown).rejects.toMatchObject({ status: 404 });
  });

  test.each(SDK_NAMES)(
    '107 %s asks for the results of a running batch and is told that there are none',
    async (name) => {
      const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key });
      const { id } = await create(by, [itemTaking('endless', 3_600_000)]);
      await expect(Promise.resolve(batches.results(id))).rejects.toThrow(/results_url/);
    },
  );

  test.each(SDK_NAMES)('110 %s works under a base URL with a path', async (name) => {
    const proxy = await startProxy({ target: server.url, prefix: '/anthropic' });
    try {
      await roundTrip(sdkClient(name, { baseURL: proxy.url, apiKey: by.key }).batches);
      expect(proxy.seen.every(({ path }) => path.startsWith('/anthropic/v1/messages/batches'))).toBe(true);
      expect(proxy.seen.some(({ path }) => path.endsWith('/results'))).toBe(true);
    } finally {
      await proxy.close();
    }
  });
});

/** What a client puts on the wire besides the body. */
interface Dialect {
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent also where there is no body. */
  readonly emptyBodyHeaders: Readonly<Record<string, string>>;
  readonly resultsAccept: string;
}

const STAINLESS = { 'x-stainless-os': 'Linux', 'x-stainless-arch': 'x64', 'x-stainless-retry-count': '0' };

const PYTHON: Dialect = {
  query: '',
  headers: {
    ...STAINLESS,
    accept: 'application/json',
    'accept-encoding': 'gzip, deflate',
    'user-agent': 'Anthropic/Python 1.13.0',
    'x-stainless-lang': 'python',
    'x-stainless-async': 'false',
    'x-stainless-timeout': 'NOT_GIVEN',
    'x-stainless-read-timeout': '600',
  },
  emptyBodyHeaders: { 'content-type': 'application/json' },
  resultsAccept: 'application/binary',
};

const GO: Dialect = {
  query: '',
  headers: {
    ...STAINLESS,
    accept: 'application/json',
    'accept-encoding': 'gzip',
    'user-agent': 'Anthropic/Go 1.60.0',
    'x-stainless-lang': 'go',
  },
  emptyBodyHeaders: {},
  resultsAccept: 'application/x-jsonl',
};

function beta(dialect: Dialect): Dialect {
  return {
    ...dialect,
    query: '?beta=true',
    headers: { ...dialect.headers, 'anthropic-beta': 'message-batches-2024-09-24' },
  };
}

async function rawRoundTrip(dialect: Dialect): Promise<void> {
  const common = { ...dialect.headers, 'x-api-key': by.key, 'anthropic-version': OLD_VERSION };
  const send = (method: string, path: string, headers: Readonly<Record<string, string>> = {}, body?: string) =>
    raw(server.url, {
      method,
      path: `${BATCHES}${path}${dialect.query}`,
      headers: { ...common, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  const fields = (response: RawResponse): Readonly<Record<string, unknown>> => {
    expect(response.status, response.text).toBe(200);
    return JSON.parse(response.text) as Readonly<Record<string, unknown>>;
  };
  const submit = async (requests: readonly Item[]): Promise<string> => {
    const json = { 'content-type': 'application/json' };
    return String(fields(await send('POST', '', json, JSON.stringify({ requests })))['id']);
  };
  const hasEnded = async (id: string) => fields(await send('GET', `/${id}`))['processing_status'] === 'ended';

  const id = await submit(items(3));
  await server.until(() => hasEnded(id));
  const rows = rowsOf(await send('GET', `/${id}/results`, { accept: dialect.resultsAccept }));
  expect(rows).toHaveLength(3);
  expect(JSON.stringify(fields(await send('GET', ''))['data'])).toContain(id);

  const other = await submit([itemTaking('endless', 3_600_000)]);
  const canceling = await send('POST', `/${other}/cancel`, { ...dialect.emptyBodyHeaders, 'content-length': '0' });
  expect(fields(canceling)['processing_status']).toBe('canceling');
  await server.advance(30_000);
  expect(fields(await send('GET', `/${other}`))['request_counts']).toMatchObject({ canceled: 1 });
  const receipt = fields(await send('DELETE', `/${id}`, dialect.emptyBodyHeaders));
  expect(receipt).toEqual({ id, type: 'message_batch_deleted' });
}

describe('the wire of other SDKs', () => {
  test.each([
    ['Python 1.13', PYTHON],
    ['Python 1.13 beta', beta(PYTHON)],
    ['Go 1.60', GO],
    ['Go 1.60 beta', beta(GO)],
  ])('107 the requests of %s make the round trip', async (_, dialect) => {
    await rawRoundTrip(dialect);
  });

  test('107 a request with the optional parameters of the Go SDK’s own tests is accepted', async () => {
    const params = { model: MODEL, max_tokens: 1024, messages: [{ role: 'user', content: 'x' }], stream: false };
    const requests = [{ custom_id: 'my-custom-id-1', params: { ...params, metadata: { user_id: 'u' }, top_k: 5 } }];
    const headers = {
      'anthropic-user-profile-id': 'anthropic-user-profile-id',
      'anthropic-beta': 'files-api-2025-04-14',
    };
    const { id } = await create(by, requests, headers);
    expect(id).toMatch(/^msgbatch_/);
  });

  test('109 a row longer than 64 KiB is complete', async () => {
    const prompt = '@@sim{"out":30000,"dur_ms":1}@@ a long story';
    const { id } = await create(by, [
      item('long', { max_tokens: 30_000, messages: [{ role: 'user', content: prompt }] }),
      item('short'),
    ]);
    await server.finish(by, id);
    const response = await by.get(`${BATCHES}/${id}/results`);
    const longest = Math.max(...response.text.split('\n').map((line) => Buffer.byteLength(line)));
    expect(longest).toBeGreaterThan(65_536);
    expect(
      rowsOf(response)
        .map((row) => row.custom_id)
        .toSorted(),
    ).toEqual(['long', 'short']);
    for (const name of SDK_NAMES) {
      const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key });
      expect((await collect(await batches.results(id))).length, name).toBe(2);
    }
  });
});

describe('retries', () => {
  /** Attempts that a create makes before it gives up or succeeds. */
  async function attempts(name: (typeof SDK_NAMES)[number], step: ProxyStep): Promise<number> {
    const proxy = await startProxy({ target: server.url, plan: () => step });
    try {
      const { batches } = sdkClient(name, { baseURL: proxy.url, apiKey: by.key });
      await expect(Promise.resolve(batches.create({ requests: [...items(1)] }))).rejects.toThrow();
      return proxy.seen.length;
    } finally {
      await proxy.close();
    }
  }

  test.each(SDK_NAMES)('108 %s tries a 500 that says not to once, and a 529 again', async (name) => {
    const once = { type: 'answer', status: 500, headers: { 'x-should-retry': 'false' } } as const;
    expect(await attempts(name, once)).toBe(1);
    const again = { type: 'answer', status: 529, headers: { 'retry-after-ms': '1' } } as const;
    expect(await attempts(name, again)).toBe(3);
  });

  test.each(SDK_NAMES)('108 a create of %s whose answer was lost makes two batches', async (name) => {
    const fresh = await server.newWorkspace();
    const proxy = await startProxy({
      target: server.url,
      plan: ({ before }) => (before === 0 ? { type: 'drop_response' } : { type: 'pass' }),
    });
    try {
      const { batches } = sdkClient(name, { baseURL: proxy.url, apiKey: fresh.key });
      const { id } = await batches.create({ requests: [...items(1)] });
      const ids = (await list(fresh)).data.map((batch) => batch.id);
      expect(ids).toHaveLength(2);
      expect(ids[0]).toBe(id);
    } finally {
      await proxy.close();
    }
  });
});
