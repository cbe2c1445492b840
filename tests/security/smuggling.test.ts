import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../packages/server/src/http/routes.ts';
import { BATCHES, create, items, list } from '../harness/batches.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';
import { answersIn, say } from './conversation.ts';
import { ODD_IDS } from './malformed-calls.ts';

/** Shapes that a proxy and the server behind it have been known to read differently, and names that mean something to a store. */
let server: TestServer;
let port: number;
beforeAll(async () => {
  server = await startTestServer();
  port = Number(new URL(server.url).port);
});
afterAll(() => server.close());

async function statusesOf(bytes: string): Promise<readonly number[]> {
  const heard = await say(port, { pieces: [Buffer.from(bytes, 'latin1')], end: 'unsure' });
  return answersIn(heard).map(({ status }) => status);
}

/** What would be smuggled: a call that would cancel a batch if it were one. */
async function withVictim(shape: (smuggled: string, key: string) => string): Promise<readonly number[]> {
  const { id } = await create(server.k1a, items(1));
  const smuggled = `POST ${BATCHES}/${id}/cancel HTTP/1.1\r\nhost: a\r\nx-api-key: ${server.k1a.key}\r\nanthropic-version: 2023-06-01\r\ncontent-length: 0\r\n\r\n`;
  const statuses = await statusesOf(shape(smuggled, server.k1a.key));
  const batch = JSON.parse((await server.k1a.get(`${BATCHES}/${id}`)).text) as {
    readonly cancel_initiated_at: unknown;
  };
  expect(batch.cancel_initiated_at, 'the smuggled call was made').toBeNull();
  return statuses;
}

describe('a request whose end is in doubt', () => {
  it.each<[string, (smuggled: string) => string]>([
    ['a length beside chunks', (s) => `content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${s}`],
    ['chunks beside a length', (s) => `transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${s}`],
    ['two lengths', (s) => `content-length: 0\r\ncontent-length: ${s.length}\r\n\r\n${s}`],
    ['a list of lengths', (s) => `content-length: 0, ${s.length}\r\n\r\n${s}`],
    ['a length with a sign', (s) => `content-length: +0\r\n\r\n${s}`],
    ['a negative length', (s) => `content-length: -1\r\n\r\n${s}`],
    ['a length in hex', (s) => `content-length: 0x0\r\n\r\n${s}`],
    ['a length beyond all numbers', (s) => `content-length: 99999999999999999999999\r\n\r\n${s}`],
    ['an empty length', (s) => `content-length:\r\n\r\n${s}`],
    ['a coding nobody knows', (s) => `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${s}`],
    ['chunked before another coding', (s) => `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${s}`],
    ['two codings', (s) => `transfer-encoding: identity\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n${s}`],
    ['a coding hidden by a tab', (s) => `transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n${s}`],
    ['a space before the colon', (s) => `transfer-encoding : chunked\r\n\r\n0\r\n\r\n${s}`],
    ['a folded line', (s) => `x: a\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n${s}`],
    ['a folded coding', (s) => `transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n${s}`],
    ['a bare line feed', (s) => `x: a\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${s}`],
    ['a bare carriage return', (s) => `x: a\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n${s}`],
    ['a zero byte in a header', (s) => `x: a\0b\r\ncontent-length: 0\r\n\r\n${s}`],
    ['a zero byte in a name', (s) => `x\0y: b\r\ncontent-length: 0\r\n\r\n${s}`],
    ['a chunk longer than it says', (s) => `transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n${s}`],
    ['a chunk with a signed size', (s) => `transfer-encoding: chunked\r\n\r\n-1\r\n${s}`],
    ['a chunk whose size has a prefix', (s) => `transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n${s}`],
    ['a chunk ended by a line feed alone', (s) => `transfer-encoding: chunked\r\n\r\n1\na\n0\n\n${s}`],
  ])('%s is refused, and what comes after it is no call', async (_name, rest) => {
    const statuses = await withVictim(
      (smuggled, key) =>
        `POST ${BATCHES} HTTP/1.1\r\nhost: a\r\nx-api-key: ${key}\r\nanthropic-version: 2023-06-01\r\n${rest(smuggled)}`,
    );
    expect(statuses.length).toBeLessThanOrEqual(1);
    expect(statuses.every((status) => status >= 400 && status < 500)).toBe(true);
  });

  it.each([
    ['HTTP/0.9', `GET ${BATCHES}\r\n\r\n`],
    ['HTTP/2.0', `GET ${BATCHES} HTTP/2.0\r\nhost: a\r\n\r\n`],
    ['HTTP/1.1 in lower case', `GET ${BATCHES} http/1.1\r\nhost: a\r\n\r\n`],
    ['a space in the URL', `GET ${BATCHES} x HTTP/1.1\r\nhost: a\r\n\r\n`],
    ['a host with credentials', `GET ${BATCHES} HTTP/1.1\r\nhost: user@a\r\n\r\n`],
    ['a host with a path', `GET ${BATCHES} HTTP/1.1\r\nhost: a/b\r\n\r\n`],
    ['a host with a space', `GET ${BATCHES} HTTP/1.1\r\nhost: a b\r\n\r\n`],
    ['a second host', `GET ${BATCHES} HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n`],
    ['an empty host', `GET ${BATCHES} HTTP/1.1\r\nhost:\r\n\r\n`],
  ])('%s is refused', async (_name, bytes) => {
    expect(await statusesOf(bytes)).toEqual([400]);
  });

  it('an upgrade is not made', async () => {
    const upgrade = 'connection: upgrade\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n';
    expect(await statusesOf(`GET /healthz HTTP/1.1\r\nhost: a\r\n${upgrade}\r\n`)).toEqual([200]);
  });
});

/** Anywhere a client may write a name. */
const PLACES = ROUTES.filter((route) => route.path.includes('{')).map((route) => [route.method, route.path] as const);

describe('a name that means something to a store', () => {
  it.each(PLACES)('%s %s: is a missing one', async (method, path) => {
    for (const odd of ODD_IDS) {
      const place = path.replace('{custom_id}', odd).replace(/\{\w+\}/, odd);
      const response = await server.whileTimePasses(
        method === 'GET'
          ? server.k1a.get(place)
          : method === 'POST'
            ? server.k1a.post(place, {})
            : server.k1a.delete(place),
      );
      expect([400, 404], `${place}: ${response.text}`).toContain(response.status);
      expect(JSON.parse(response.text)).toMatchObject({ type: 'error', request_id: response.headers['request-id'] });
      expect(response.headers).not.toHaveProperty('x-injected');
    }
  });

  it('is no cursor, limit, day or place in the results either', async () => {
    const { id } = await create(server.k1a, items(1));
    const queries = [
      `${BATCHES}?after_id=`,
      `${BATCHES}?before_id=`,
      `${BATCHES}?limit=`,
      '/ext/v1/usage?from=',
      '/ext/v1/usage?to=',
    ];
    const places = [...queries, `/ext/v1/batches/${id}/results?cursor=`, `/ext/v1/batches/${id}/results?limit=`];
    for (const place of [
      ...places,
      `/ext/v1/batches/${id}/requests/item-0?include=`,
      `/ext/v1/batches/${id}/results?wait=`,
    ]) {
      for (const odd of ODD_IDS) {
        const response = await server.k1a.get(place + odd);
        expect(response.status, `${place}${odd}: ${response.text}`).toBe(400);
      }
    }
    expect((await list(server.k1a)).data.length).toBeGreaterThan(0);
  });

  it('is a custom_id like any other where the pattern allows it', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'length', '0', '-', '_'];
    const { id } = await create(
      server.k1a,
      names.map((name) => ({ ...items(1)[0], custom_id: name }) as never),
    );
    await server.finish(server.k1a, id);
    const rows = (await server.k1a.get(`${BATCHES}/${id}/results`)).text.trimEnd().split('\n');
    expect(rows.map((row) => (JSON.parse(row) as { readonly custom_id: string }).custom_id).toSorted()).toEqual(
      names.toSorted(),
    );
    for (const name of names) {
      const response = await server.k1a.get(`/ext/v1/batches/${id}/requests/${name}`);
      expect(JSON.parse(response.text)).toMatchObject({
        custom_id: name,
        state: 'settled',
        result: { type: 'succeeded' },
      });
    }
  });

  it('is an unknown option, model, beta, version and workspace like any other', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const refused = async (
        headers: Readonly<Record<string, string>>,
        ...statuses: readonly number[]
      ): Promise<void> => {
        const response = await server.k1a.post(BATCHES, { requests: items(1) }, headers);
        expect(statuses, `${JSON.stringify(headers)}: ${response.text}`).toContain(response.status);
      };
      await refused({ 'batchwright-options': `{"${name}":1}` }, 400);
      await refused({ 'batchwright-options': `{"counts":"${name}"}` }, 400);
      await refused({ 'batchwright-options': `{"markers":"${name}"}` }, 400);
      await refused({ 'anthropic-beta': name }, 400);
      await refused({ 'anthropic-version': name }, 400);
      await refused({ 'anthropic-workspace-id': name }, 403);
      await refused({ 'content-encoding': name }, 400);
      const { id } = await create(server.k1a, [{ custom_id: 'a', params: { ...items(1)[0]?.params, model: name } }]);
      await server.finish(server.k1a, id);
      expect((await server.k1a.get(`/ext/v1/batches/${id}`)).status).toBe(200);
      expect((await server.k1a.get(`${BATCHES}/${id}/results`)).text).toContain('not_found_error');
    }
    expect((await server.k1a.get('/ext/v1/usage')).status).toBe(200);
    expect(({} as { readonly usd?: unknown }).usd).toBeUndefined();
  });
});

describe('JSON nested without end', () => {
  const deep = (depth: number): string => `${'{"a":['.repeat(depth)}${']}'.repeat(depth)}`;

  it.each<
    [string, (by: TestServer['k1a'], text: string) => Promise<{ readonly status: number; readonly text: string }>]
  >([
    ['as a batch', (by, text) => by.post(BATCHES, text)],
    ['as requests', (by, text) => by.post(BATCHES, `{"requests":${text}}`)],
    ['in params', (by, text) => by.post(BATCHES, `{"requests":[{"custom_id":"a","params":{"x":${text}}}]}`)],
    [
      'as a list in params',
      (by, text) =>
        by.post(BATCHES, `{"requests":[{"custom_id":"a","params":{"x":${text.replaceAll(/[^[\]]/g, '')}}}]}`),
    ],
    ['in an estimate', (by, text) => by.post('/ext/v1/estimate', `{"requests":[{"custom_id":"a","params":${text}}]}`)],
  ])('%s: is refused or kept, and the server goes on', async (_name, send) => {
    for (const depth of [100, 10_000, 1_000_000]) {
      const response = await send(server.k1a, deep(depth));
      expect([200, 400], response.text.slice(0, 300)).toContain(response.status);
    }
    expect((await server.k1a.get(BATCHES)).status).toBe(200);
  });

  it('in the options header is refused', async () => {
    const response = await server.k1a.post(BATCHES, { requests: items(1) }, { 'batchwright-options': deep(3000) });
    expect(response.status).toBe(400);
  });

  it.each(['budget', 'rerun'])('as a %s is refused', async (call) => {
    const { id } = await create(server.k1a, items(1));
    await server.finish(server.k1a, id);
    for (const body of [deep(1000), `{"usd":${deep(1000)}}`, `{"types":${deep(1000)}}`]) {
      expect((await server.k1a.post(`/ext/v1/batches/${id}/${call}`, body)).status).toBe(400);
    }
  });
});
