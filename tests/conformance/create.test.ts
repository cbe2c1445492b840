import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BATCHES,
  MODEL,
  batchOf,
  create,
  expectError,
  item,
  items,
  list,
  results,
  resultsById,
  retrieve,
} from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 17–38: what create accepts and refuses, in the exact words. Large bodies are in `limits.test.ts`. */
let server: TestServer;
let by: Caller;
beforeAll(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterAll(() => server.close());

const PATTERN = "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'";

async function refusal(requests: unknown): Promise<string> {
  return expectError(await by.post(BATCHES, { requests }), 400, 'invalid_request_error').error.message;
}

describe('an accepted batch', () => {
  test('17 two valid requests make a batch in progress', async () => {
    const batch = await create(by, items(2));
    expect(batch).toMatchObject({ type: 'message_batch', processing_status: 'in_progress' });
    expect(batch.id).toMatch(/^msgbatch_01[0-9A-Za-z]{22}$/);
    expect(batch.request_counts).toEqual({ processing: 2, succeeded: 0, errored: 0, canceled: 0, expired: 0 });
  });

  test('18 the object has all ten keys, those of later moments null', async () => {
    const batch = await create(by, items(1));
    expect(Object.keys(batch).toSorted()).toEqual([
      'archived_at',
      'cancel_initiated_at',
      'created_at',
      'ended_at',
      'expires_at',
      'id',
      'processing_status',
      'request_counts',
      'results_url',
      'type',
    ]);
    expect(batch).toMatchObject({ ended_at: null, cancel_initiated_at: null, archived_at: null, results_url: null });
  });

  test('19 it expires exactly 24 hours after it was created', async () => {
    const { created_at, expires_at } = await create(by, items(1));
    const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z$/;
    expect(created_at).toMatch(form);
    expect(expires_at).toMatch(form);
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(24 * 60 * 60 * 1000);
    expect(form.exec(expires_at)?.[2]).toBe(form.exec(created_at)?.[2]);
  });

  test('34 empty params are accepted, since params are checked later', async () => {
    const batch = await create(by, [{ custom_id: 'empty', params: {} }]);
    expect(batch.request_counts.processing).toBe(1);
  });

  test('35 stream: false is accepted, and the request succeeds', async () => {
    const { id } = await create(by, [item('plain', { stream: false })]);
    await server.finish(by, id);
    expect((await results(by, id))[0]?.result.type).toBe('succeeded');
  });

  test('36 models and features may be mixed', async () => {
    const image = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' };
    const cached = { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } };
    const tool = { name: 'look_up', description: 'Looks a word up', input_schema: { type: 'object', properties: {} } };
    const format = { type: 'json_schema', schema: { type: 'object', properties: { ok: { type: 'boolean' } } } };
    const requests = [
      item('plain'),
      item('other-model', { model: 'claude-opus-5-5' }),
      item('system', { system: [cached] }),
      item('image', { messages: [{ role: 'user', content: [{ type: 'image', source: image }] }] }),
      item('tools', { tools: [tool] }),
      item('turns', {
        messages: [
          { role: 'user', content: 'One' },
          { role: 'assistant', content: 'Two' },
          { role: 'user', content: [{ type: 'text', text: 'Three' }] },
        ],
      }),
      item('thinking', { max_tokens: 2048, thinking: { type: 'enabled', budget_tokens: 1024 } }),
      item('structured', { model: 'claude-sonnet-5-5', output_config: { format } }),
    ];
    const { id } = await create(by, requests);
    await server.finish(by, id);
    const rows = await results(by, id);
    expect(rows.filter((row) => row.result.type !== 'succeeded')).toEqual([]);
    expect(rows).toHaveLength(requests.length);
  });

  test('37 the same body twice makes two batches, whatever the Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const ids = [
      await create(by, items(1)),
      await create(by, items(1)),
      await create(by, items(1), headers),
      await create(by, items(1), headers),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
  });

  test('38 a batch can be retrieved as soon as it was created', async () => {
    const created = await create(by, items(1));
    expect(await retrieve(by, created.id)).toEqual(created);
    expect((await list(by, '?limit=1')).data[0]?.id).toBe(created.id);
  });
});

describe('a refused body', () => {
  test('20 an empty list is refused and nothing is stored', async () => {
    const fresh = await server.newWorkspace();
    const response = await fresh.post(BATCHES, { requests: [] });
    const words = 'requests: List should have at least 1 item after validation, not 0';
    expectError(response, 400, 'invalid_request_error', words);
    expect((await list(fresh)).data).toEqual([]);
  });

  test('21 a body without requests is refused', async () => {
    expectError(await by.post(BATCHES, {}), 400, 'invalid_request_error', 'requests: Field required');
  });

  test.each(['{"requests": [', '', 'hello', '{"requests": [],}', '{"a":1}{"b":2}', '\ufeff{"requests": []}'])(
    '22 malformed JSON is refused: %j',
    async (body) => {
      const { error } = expectError(await by.post(BATCHES, body), 400, 'invalid_request_error');
      expect(error.message).toMatch(/^The request body is not valid JSON: ./);
    },
  );
});

describe('a refused custom_id', () => {
  test('23 a missing one', async () => {
    expect(await refusal([{ params: item('a').params }])).toBe('requests.0.custom_id: Field required');
  });

  test('24 one of 65 characters, while 64 are accepted', async () => {
    const words = 'requests.0.custom_id: String should have at most 64 characters';
    expect(await refusal([item('x'.repeat(65))])).toBe(words);
    expect((await create(by, [item('x'.repeat(64))])).request_counts.processing).toBe(1);
  });

  test.each(['a b', 'a.b', 'é', 'a\n', 'a/b', '\u0000'])('25 one with other characters: %j', async (customId) => {
    expect(await refusal([item(customId)])).toBe(`requests.0.custom_id: ${PATTERN}`);
  });

  test('25 letters, digits, underscore and hyphen are accepted', async () => {
    expect((await create(by, [item('A-b_9')])).type).toBe('message_batch');
  });

  test('25 a custom_id is judged by what it says, not by how it is escaped', async () => {
    const escaped = `{"requests":[{"cust\\u006fm_id":"\\u0061b","params":${JSON.stringify(item('x').params)}}]}`;
    const { id } = batchOf(await by.post(BATCHES, escaped));
    await server.finish(by, id);
    expect([...(await resultsById(by, id)).keys()]).toEqual(['ab']);
  });

  test('26 an empty one', async () => {
    expect(await refusal([item('')])).toMatch(/^requests\.0\.custom_id: /);
  });

  test('27 a duplicate one, while case makes a difference', async () => {
    const words = "requests: custom_id's must be unique within a batch. Duplicate custom_id found: dup";
    expect(await refusal([item('dup'), item('other'), item('dup')])).toBe(words);
    expect((await create(by, [item('a'), item('A')])).request_counts.processing).toBe(2);
  });

  test('28 the message has the index of the offending request', async () => {
    expect(await refusal([...items(3), item('not ok'), item('x'.repeat(65))])).toBe(`requests.3.custom_id: ${PATTERN}`);
    expect(await refusal([...items(7), { params: {} }])).toBe('requests.7.custom_id: Field required');
  });

  test('29 one bad one among many good requests stores nothing', async () => {
    const fresh = await server.newWorkspace();
    const requests = [...items(500), item('not ok'), ...items(1000).slice(501)];
    expectError(await fresh.post(BATCHES, { requests }), 400, 'invalid_request_error');
    expect((await list(fresh)).data).toEqual([]);
  });
});

test('17 the body may come compressed', async () => {
  const { gzipSync } = await import('node:zlib');
  const { raw } = await import('../harness/raw-http.ts');
  const body = gzipSync(JSON.stringify({ requests: [{ custom_id: 'zipped', params: { model: MODEL } }] }));
  const headers = { 'x-api-key': by.key, 'anthropic-version': '2023-06-01', 'content-encoding': 'gzip' };
  const response = await raw(server.url, { method: 'POST', path: BATCHES, headers, body });
  expect(batchOf(response).request_counts.processing).toBe(1);
});
