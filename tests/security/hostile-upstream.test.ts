import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { BATCHES, create, item, MODEL } from '../harness/batches.ts';
import { raw, type RawResponse } from '../harness/raw-http.ts';
import { message } from '../harness/scripted-upstream.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';
import { pause, until } from '../crash/server-process.ts';

/** An upstream that says whatever bytes a test wants, and what then reaches clients, results and other hosts. */
interface BareUpstream {
  readonly url: string;
  /** Heads of the calls it got, in order. */
  readonly heads: readonly string[];
  close(): Promise<void>;
}

const UPSTREAM_KEY = 'sk-upstream-secret';
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Answers each request with the bytes that `say` gives for its body. */
async function bareUpstream(say: (body: string, count: number) => string | Buffer): Promise<BareUpstream> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      const length = Number(/^content-length: (\d+)/im.exec(received)?.[1] ?? 0);
      if (end < 0 || received.length < end + 4 + length) return;
      heads.push(received.slice(0, end));
      const body = received.slice(end + 4, end + 4 + length);
      received = received.slice(end + 4 + length);
      socket.write(say(body, heads.length));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  closers.push(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heads, close };
}

async function serverFor(upstream: BareUpstream): Promise<TestServer> {
  const choice = { type: 'messages', baseUrls: [upstream.url] } as const;
  const server = await startTestServer({ clock: 'real', upstream: choice, upstreamApiKey: UPSTREAM_KEY });
  closers.push(() => server.close());
  return server;
}

const OK = JSON.stringify(message('fine'));
const plain = (body: string, ...headers: readonly string[]): string =>
  [
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    ...headers,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');

const passOn = (server: TestServer): Promise<RawResponse> =>
  server.k1a.post('/v1/messages', { model: MODEL, max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] });

describe('an upstream that points elsewhere', () => {
  it.each([301, 302, 303, 307, 308])(
    'with %d is not followed, neither by a batch nor by a call that is passed on',
    async (status) => {
      const elsewhere = await bareUpstream(() => plain(OK));
      const upstream = await bareUpstream(
        () =>
          `HTTP/1.1 ${status} Moved\r\nlocation: ${elsewhere.url}/v1/messages\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`,
      );
      const server = await serverFor(upstream);
      const answer = await passOn(server);
      expect(answer.headers).not.toHaveProperty('location');
      await create(server.k1a, [item('a')]);
      await until('the batch asked the upstream', () => upstream.heads.length >= 2);
      await pause(50);
      expect(elsewhere.heads).toEqual([]);
    },
  );
});

describe('what an upstream says in its head', () => {
  it('reaches clients only by a closed list of names', async () => {
    const said = [
      'set-cookie: session=1',
      'access-control-allow-origin: *',
      'location: http://evil.example/',
      'anthropic-workspace-id: wrkspc_evil',
      'anthropic-organization-id: evil',
      'www-authenticate: Basic',
      'batchwright-cursor: x',
      'strict-transport-security: max-age=0',
      'refresh: 0; url=http://evil.example/',
      'x-api-key: echoed',
    ];
    const server = await serverFor(await bareUpstream(() => plain(OK, ...said)));
    const answer = await passOn(server);
    expect(answer.status).toBe(200);
    expect(answer.headers['anthropic-workspace-id']).toBe(server.k1a.workspaceId);
    expect(JSON.stringify(answer.headers)).not.toMatch(/evil|session=1|echoed|max-age=0|access-control/);
  });

  it.each<[string, string]>([
    [
      'two lengths',
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\ncontent-length: 40\r\n\r\n{}`,
    ],
    [
      'a length beside chunks',
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a folded line', `HTTP/1.1 200 OK\r\nx: a\r\n set-cookie: b\r\ncontent-length: 2\r\n\r\n{}`],
    ['a zero byte', `HTTP/1.1 200 OK\r\nretry-after: 1\x00\r\ncontent-length: 2\r\n\r\n{}`],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`],
  ])('is no answer when it has %s, and the next call is served', async (_name, bytes) => {
    const upstream = await bareUpstream((_body, count) => (count === 1 ? bytes : plain(OK)));
    const server = await serverFor(upstream);
    const first = await passOn(server);
    expect(first.status, first.text).toBe(502);
    expect(JSON.parse(first.text)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
    expect(first.text).not.toContain(UPSTREAM_KEY);
    const second = await passOn(server);
    expect([second.status, second.text]).toEqual([200, OK]);
  });

  it('cannot put an answer of its own behind another', async () => {
    const smuggled = plain(JSON.stringify(message('smuggled')));
    const upstream = await bareUpstream((_body, count) => (count === 1 ? plain(OK) + smuggled : plain(OK)));
    const server = await serverFor(upstream);
    for (let i = 0; i < 3; i++) expect((await passOn(server)).text).toBe(OK);
  });
});

describe('an answer that was not asked for compressed', () => {
  // 64 MB of blanks: 64 KB as gzip, 60 bytes as brotli.
  const bomb = Buffer.concat([Buffer.alloc(64 * 1024 * 1024, 0x20), Buffer.from(OK)]);

  it.each([
    ['gzip', gzipSync(bomb)],
    ['br', brotliCompressSync(bomb)],
  ])('%s: is not unpacked here', async (encoding, packed) => {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${packed.length}\r\n\r\n`;
    const upstream = await bareUpstream(() => Buffer.concat([Buffer.from(head), packed]));
    const server = await serverFor(upstream);
    const answer = await raw(server.url, {
      method: 'POST',
      path: '/v1/messages',
      headers: { 'x-api-key': server.k1a.key, 'anthropic-version': '2023-06-01' },
      body: '{}',
    });
    expect(answer.bytes.equals(packed)).toBe(true);
    const { id } = await create(server.k1a, [item('a')]);
    await until('the batch asked the upstream', () => upstream.heads.length >= 2);
    await pause(50);
    expect(JSON.parse((await server.k1a.get(`${BATCHES}/${id}`)).text)).toMatchObject({
      request_counts: { succeeded: 0 },
    });
    expect(upstream.heads.every((seen) => /^accept-encoding: identity$/im.test(seen))).toBe(true);
  });
});

describe('a client', () => {
  it('chooses nothing of where the server’s key is sent, whatever it writes into path, query and headers', async () => {
    const elsewhere = await bareUpstream(() => plain(OK));
    const upstream = await bareUpstream(() => plain(OK));
    const server = await serverFor(upstream);
    const host = new URL(elsewhere.url).host;
    const headers = {
      'x-forwarded-host': host,
      'x-upstream': elsewhere.url,
      'batchwright-workspace': 'evil',
      origin: elsewhere.url,
    };
    const paths = [
      `/v1/models/${encodeURIComponent(`@${host}/`)}`,
      `/v1/models/..%2f..%2f..%2f${host}`,
      `/v1/models/%2e%2e`,
      `/v1/models/${encodeURIComponent(`\r\nhost: ${host}\r\n\r\n`)}`,
      `/v1/models?url=${elsewhere.url}`,
      `/v1/models/${encodeURIComponent(`http://${host}/`)}`,
      `/v1/models/a%3Fb%23c`,
    ];
    for (const path of paths) expect((await server.k1a.get(path, headers)).status, path).toBeLessThan(500);
    const absolute = await raw(server.url, {
      path: '/v1/models',
      headers: { ...headers, host, 'x-api-key': server.k1a.key, 'anthropic-version': '2023-06-01' },
    });
    expect(absolute.status).toBe(200);
    expect(elsewhere.heads).toEqual([]);
    for (const head of upstream.heads) {
      const [line = '', ...fields] = head.split('\r\n');
      expect(line).toMatch(/^GET \/v1\/models(?:\/[^/\s?]+)?(?:\?\S*)? HTTP\/1\.1$/);
      expect(line).not.toContain('/../');
      expect(fields.filter((field) => /^host:/i.test(field))).toEqual([`host: ${new URL(upstream.url).host}`]);
      expect(head).toContain(`x-api-key: ${UPSTREAM_KEY}`);
      expect(head).not.toMatch(/evil|x-upstream|x-forwarded|origin:/);
      expect(head).not.toContain(server.k1a.key);
    }
    expect(upstream.heads.length).toBeGreaterThanOrEqual(paths.length - 1);
  });
});
