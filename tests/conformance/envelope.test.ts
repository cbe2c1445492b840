import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BATCHES, batchOf, cancel, create, expectError, item, items, results } from '../harness/batches.ts';
import { NEW_VERSION, OLD_VERSION, type Caller } from '../harness/caller.ts';
import { raw, type RawResponse } from '../harness/raw-http.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * Conformance, items 1–16: authentication, headers, and the envelope that every answer comes in. Items whose answer is
 * a decision of this project, where the hosted API's is unknown, are in `unsure.test.ts`.
 *
 * All of this suite speaks raw HTTP, but for `sdk.test.ts`, which runs the official TypeScript SDKs. The Python and Go
 * SDKs cannot be loaded here; what they put on the wire is repeated there byte for byte instead.
 */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const VERSION = { 'anthropic-version': OLD_VERSION };

/** One call to each of the six endpoints, on batches made for the purpose, by name. */
async function callAllSix(by: Caller, query = ''): Promise<ReadonlyMap<string, RawResponse>> {
  const created = await by.post(`${BATCHES}${query}`, { requests: items(1) });
  const { id } = batchOf(created);
  const ended = (await server.finish(by, (await create(by, items(1))).id)).id;
  return new Map([
    ['create', created],
    ['retrieve', await by.get(`${BATCHES}/${id}${query}`)],
    ['list', await by.get(`${BATCHES}${query}`)],
    ['cancel', await by.post(`${BATCHES}/${id}/cancel${query}`)],
    ['results', await by.get(`${BATCHES}/${ended}/results${query}`)],
    ['delete', await by.delete(`${BATCHES}/${ended}${query}`)],
  ]);
}

describe('credentials', () => {
  test('1 accepts a key in x-api-key', async () => {
    const response = await raw(server.url, { path: BATCHES, headers: { 'x-api-key': server.k1a.key, ...VERSION } });
    expect(response.status).toBe(200);
  });

  test('2 accepts a key as a bearer token, with the same answer', async () => {
    const { key } = server.k1a;
    const byHeader = await raw(server.url, { path: BATCHES, headers: { 'x-api-key': key, ...VERSION } });
    for (const scheme of ['Bearer', 'bearer']) {
      const headers = { authorization: `${scheme} ${key}`, ...VERSION };
      const byBearer = await raw(server.url, { path: BATCHES, headers });
      expect(byBearer.status).toBe(200);
      expect(byBearer.text).toBe(byHeader.text);
    }
  });

  test('3 refuses a call without a credential', async () => {
    const response = await raw(server.url, { path: BATCHES, headers: VERSION });
    expectError(response, 401, 'authentication_error', 'x-api-key header is required');
  });

  test('4 refuses a wrong key and names no workspace', async () => {
    for (const credential of [{ 'x-api-key': 'sk-wrong' }, { authorization: 'Bearer sk-wrong' }]) {
      const response = await raw(server.url, { path: BATCHES, headers: { ...credential, ...VERSION } });
      expectError(response, 401, 'authentication_error', 'API key is invalid.');
      expect(response.headers).not.toHaveProperty('anthropic-workspace-id');
    }
  });

  test('4 refuses an authorization that is no bearer token', async () => {
    const basic = `Basic ${Buffer.from(`user:${server.k1a.key}`).toString('base64')}`;
    for (const authorization of [basic, 'Bearer', 'Bearer ']) {
      const response = await raw(server.url, { path: BATCHES, headers: { authorization, ...VERSION } });
      expectError(response, 401, 'authentication_error');
    }
  });
});

describe('versions', () => {
  test('6 refuses a call that names no version', async () => {
    const response = await raw(server.url, { path: BATCHES, headers: { 'x-api-key': server.k1a.key } });
    expectError(response, 400, 'invalid_request_error', 'anthropic-version: header is required');
  });

  test('8 takes both versions on all six endpoints, with the same shapes', async () => {
    const shapes = await Promise.all(
      ([OLD_VERSION, NEW_VERSION] as const).map(async (version) => {
        const responses = await callAllSix(server.k1a.withVersion(version));
        return [...responses].map(([name, response]) => [name, response.status, Object.keys(firstLine(response))]);
      }),
    );
    expect(shapes[0]).toEqual(shapes[1]);
    expect(shapes[0]?.map(([, status]) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  });
});

function firstLine(response: RawResponse): object {
  return JSON.parse(response.text.split('\n')[0] ?? '') as object;
}

describe('headers of every answer', () => {
  test('9 every answer carries a request-id, which an error repeats', async () => {
    const answers = [...(await callAllSix(server.k1a)).values()];
    answers.push(await server.k1a.get('/nowhere'), await raw(server.url, { path: BATCHES }));
    for (const { headers } of answers) expect(headers['request-id']).toMatch(/^req_[0-9A-Za-z]{24}$/);
    expect(new Set(answers.map(({ headers }) => headers['request-id'])).size).toBe(answers.length);
    expectError(await server.k1a.get(`${BATCHES}/msgbatch_none`), 404, 'not_found_error');
  });

  test('10 authenticated answers name organisation and workspace', async () => {
    const missing = await server.k1a.get(`${BATCHES}/msgbatch_none`);
    for (const { headers } of [...(await callAllSix(server.k1a)).values(), missing]) {
      expect(headers['anthropic-organization-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(headers['anthropic-workspace-id']).toBe(server.k1a.workspaceId);
    }
    expect(server.k1a.workspaceId).toMatch(/^wrkspc_/);
    expect((await server.k2.get(BATCHES)).headers['anthropic-workspace-id']).toBe(server.k2.workspaceId);
  });

  test('11 batch answers carry the request rate limit', async () => {
    for (const { headers } of (await callAllSix(server.k1a)).values()) {
      expect(Number(headers['anthropic-ratelimit-requests-limit'])).toBeGreaterThan(0);
      expect(Number(headers['anthropic-ratelimit-requests-remaining'])).toBeGreaterThanOrEqual(0);
      const reset = String(headers['anthropic-ratelimit-requests-reset']);
      expect(reset).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      expect(Date.parse(reset)).not.toBeNaN();
    }
  });

  test('12 JSON answers say so, errors of every kind included', async () => {
    for (const [name, { headers }] of await callAllSix(server.k1a)) {
      expect(headers['content-type'], name).toMatch(
        name === 'results' ? /^application\/x-jsonl/ : /^application\/json/,
      );
    }
    expectError(await server.k1a.get('/_stainless_unknown_path'), 404, 'not_found_error');
    expectError(await raw(server.url, { path: '/_stainless_unknown_path' }), 404, 'not_found_error');
    expectError(await server.k1a.get(`${BATCHES}/%E0%A4%A`), 404, 'not_found_error');
    expectError(await server.k1a.get(`${BATCHES}/`), 404, 'not_found_error');
  });

  test('12 a method that a path does not have is refused as JSON', async () => {
    const response = await server.k1a.delete(BATCHES);
    expect(response.status).toBe(405);
    expect(JSON.parse(response.text)).toMatchObject({ type: 'error', request_id: response.headers['request-id'] });
  });
});

describe('headers of a request', () => {
  test('13 known betas are accepted, old and new, and an unknown one is named', async () => {
    const betas = 'message-batches-2024-09-24,prompt-caching-2024-07-31';
    for (const header of [betas, betas.replace(',', ' , '), betas.split(',')]) {
      const response = await server.k1a.post(BATCHES, { requests: items(1) }, { 'anthropic-beta': header });
      expect(response.status, response.text).toBe(200);
    }
    const refused = await server.k1a.get(BATCHES, { 'anthropic-beta': 'no-such-beta' });
    const { error } = expectError(refused, 400, 'invalid_request_error');
    expect(error.message).toContain('Unexpected value(s) `no-such-beta` for the `anthropic-beta` header.');
  });

  test('14 ?beta=true changes nothing', async () => {
    const shapeOf = ([name, response]: [string, RawResponse]) => [
      name,
      response.status,
      Object.keys(firstLine(response)),
    ];
    const plain = await callAllSix(server.k1a);
    const beta = await callAllSix(server.k1a, '?beta=true');
    expect([...beta].map(shapeOf)).toEqual([...plain].map(shapeOf));
    const both = [await server.k1a.get(BATCHES), await server.k1a.get(`${BATCHES}?beta=true&status=ended&x=1`)];
    expect(both[1]?.text).toBe(both[0]?.text);
  });

  test('15 unknown headers and odd telemetry are ignored', async () => {
    const odd = {
      'x-stainless-timeout': 'NOT_GIVEN',
      'x-stainless-read-timeout': '600',
      'x-stainless-retry-count': 'many',
      'x-something-else': '\u00ff',
      'accept-language': '*',
      'idempotency-key': 'abc',
    };
    for (const response of [
      await server.k1a.get(BATCHES, odd),
      await server.k1a.post(BATCHES, { requests: items(1) }, odd),
    ]) {
      expect(response.status, response.text).toBe(200);
    }
  });

  test('16 anthropic-workspace-id must be the workspace of the key', async () => {
    const own = await server.k1a.get(BATCHES, { 'anthropic-workspace-id': server.k1a.workspaceId });
    expect(own.status).toBe(200);
    const foreign = await server.k1a.get(BATCHES, { 'anthropic-workspace-id': server.k2.workspaceId });
    expect(foreign.status).toBeGreaterThanOrEqual(400);
    expect(foreign.status).toBeLessThan(500);
    expect(JSON.parse(foreign.text)).toMatchObject({ type: 'error' });
  });

  test('16 a refused workspace header leaves no batch behind', async () => {
    const by = await server.newWorkspace();
    const headers = { 'anthropic-workspace-id': server.k1a.workspaceId };
    const refused = await by.post(BATCHES, { requests: items(1) }, headers);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse((await by.get(BATCHES)).text)).toMatchObject({ data: [] });
  });
});

test('9 a canceled batch and its results carry request-ids too', async () => {
  const { id } = await create(server.k1a, [item('only')]);
  await cancel(server.k1a, id);
  await server.finish(server.k1a, id);
  expect(await results(server.k1a, id)).toHaveLength(1);
  const response = await server.k1a.get(`${BATCHES}/${id}/results`);
  expect(response.headers['request-id']).toMatch(/^req_/);
});
