import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CERTIFICATE, CERTIFICATE_KEY } from './certificate.fixture.ts';
import { openMessagesUpstream } from './messages-upstream.ts';
import type { Upstream, UpstreamCall } from './upstream.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server | ReturnType<typeof createSocketServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  if ('closeAllConnections' in server) closers.push(() => server.closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function upstreamOf(listener: RequestListener, options: { prefix?: string; timeoutMs?: number } = {}) {
  const url = await listen(createServer(listener));
  return open(url + (options.prefix ?? ''), options.timeoutMs);
}

async function open(baseUrl: string, timeoutMs = 5000): Promise<Upstream> {
  const upstream = await openMessagesUpstream({ baseUrl, apiKey: 'sk-upstream', timeoutMs });
  closers.push(() => upstream.close());
  return upstream;
}

type Outcome =
  | { readonly type: 'ended'; readonly status: number; readonly headers: object; readonly body: string }
  | { readonly type: 'failed'; readonly reason: string; readonly timeout: boolean };

const POST: UpstreamCall = {
  method: 'POST',
  path: '/v1/messages',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{"model":"m"}'),
};

function call(upstream: Upstream, request: UpstreamCall = POST): Promise<Outcome> {
  return new Promise((resolve) => {
    let [status, headers] = [0, {}];
    const chunks: Uint8Array[] = [];
    upstream.call(request, {
      onHead: (s, h) => ([status, headers] = [s, h]),
      onData: (chunk) => chunks.push(chunk),
      onEnd: () => resolve({ type: 'ended', status, headers, body: Buffer.concat(chunks).toString() }),
      onFailure: (reason, timeout) => resolve({ type: 'failed', reason, timeout }),
    });
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('the messages upstream', () => {
  it('sends the exact bytes with its own key, below the base URL’s prefix', async () => {
    const seen: unknown[] = [];
    const upstream = await upstreamOf(
      async (request, response) => {
        seen.push([request.method, request.url, request.headers['x-api-key'], await bodyOf(request)]);
        response.end('{}');
      },
      { prefix: '/gateway/v1/' },
    );
    await call(upstream);
    expect(seen).toEqual([['POST', '/gateway/v1/messages', 'sk-upstream', '{"model":"m"}']]);
  });

  it('hands over status, headers and body', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(429, { 'Retry-After': '3', 'set-cookie': ['a', 'b'] });
      response.end('slow down');
    });
    const outcome = await call(upstream);
    expect(outcome).toMatchObject({ type: 'ended', status: 429, body: 'slow down' });
    expect(outcome).toHaveProperty(
      'headers',
      expect.objectContaining({ 'retry-after': '3', 'set-cookie': ['a', 'b'] }),
    );
  });

  it('uses a connection again for the next call', async () => {
    const ports = new Set<number | undefined>();
    const upstream = await upstreamOf((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{}');
    });
    for (let i = 0; i < 5; i++) await call(upstream);
    expect(ports.size).toBe(1);
  });

  it('runs as many calls at once as it is given', async () => {
    const waiting: (() => void)[] = [];
    const upstream = await upstreamOf((_request, response) => {
      waiting.push(() => response.end('{}'));
      if (waiting.length === 50) for (const answer of waiting) answer();
    });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => call(upstream)));
    expect(outcomes.every((outcome) => outcome.type === 'ended')).toBe(true);
  });

  it('says that a connection was refused, and is no timeout', async () => {
    const gone = createSocketServer();
    const url = await listen(gone);
    await (closers.pop() as () => Promise<void>)();
    const outcome = await call(await open(url));
    expect(outcome).toMatchObject({ type: 'failed', timeout: false });
    expect(outcome).toHaveProperty('reason', expect.stringContaining('ECONNREFUSED'));
  });

  it('fails a body that is cut short instead of handing over half', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half":', () => response.destroy());
    });
    expect(await call(upstream)).toMatchObject({ type: 'failed', timeout: false });
  });

  it('calls silence beyond its limit a timeout, and works again afterwards', async () => {
    let silent = true;
    const upstream = await upstreamOf((_request, response) => void (silent || response.end('{}')), { timeoutMs: 1000 });
    expect(await call(upstream)).toMatchObject({ type: 'failed', timeout: true });
    silent = false;
    expect(await call(upstream)).toMatchObject({ type: 'ended', status: 200 });
  });

  it('closes the connection of a cancelled call, reports nothing, and serves the next', async () => {
    let arrived: () => void;
    let closed: () => void;
    const here = new Promise<void>((resolve) => (arrived = resolve));
    const cut = new Promise<void>((resolve) => (closed = resolve));
    let first = true;
    const upstream = await upstreamOf((request, response) => {
      if (!first) return void response.end('{}');
      first = false;
      request.socket.once('close', () => closed());
      arrived();
    });
    const events: string[] = [];
    const cancel = upstream.call(POST, {
      onHead: () => events.push('head'),
      onData: () => events.push('data'),
      onEnd: () => events.push('end'),
      onFailure: () => events.push('failure'),
    });
    await here;
    cancel();
    cancel();
    await cut;
    expect(events).toEqual([]);
    expect(await call(upstream)).toMatchObject({ type: 'ended', status: 200 });
  });

  it('asks for an answer that is not compressed', async () => {
    let asked: string | undefined;
    const upstream = await upstreamOf((request, response) => {
      asked = request.headers['accept-encoding'];
      response.end('{}');
    });
    await call(upstream);
    expect(asked).toBe('identity');
  });

  it('reads an answer of unknown length to its end', async () => {
    const gone = createSocketServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{"whole":true}'));
    });
    const upstream = await open(await listen(gone));
    for (let i = 0; i < 3; i++) {
      expect(await call(upstream)).toMatchObject({ type: 'ended', status: 200, body: '{"whole":true}' });
    }
  });

  it('leaves out interim answers', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.end('{}');
    });
    expect(await call(upstream)).toMatchObject({ type: 'ended', status: 200, body: '{}' });
  });

  it('tells a caller who failed over an answer, and never shares a connection for it', async () => {
    const waiting: (() => void)[] = [];
    let together = false;
    const upstream = await upstreamOf((_request, response) => {
      if (!together) return void response.end('{}');
      waiting.push(() => response.end('{}'));
      if (waiting.length === 2) for (const answer of waiting) answer();
    });
    const failure = await new Promise<string>((resolve) => {
      upstream.call(POST, {
        onHead: () => {},
        onData: () => {},
        onEnd: () => {
          throw new Error('no sense in it');
        },
        onFailure: resolve,
      });
    });
    expect(failure).toBe('no sense in it');
    together = true;
    // Each is answered only once the other has arrived.
    await Promise.all([call(upstream), call(upstream)]);
  });

  it('hands over what was sent in pieces, whatever their number and size', async () => {
    const upstream = await upstreamOf((_request, response) => {
      for (let i = 0; i < 200; i++) response.write(String(i % 10).repeat(i * 10));
      response.end();
    });
    const expected = Array.from({ length: 200 }, (_, i) => String(i % 10).repeat(i * 10)).join('');
    expect(await call(upstream)).toMatchObject({ type: 'ended', body: expected });
  });

  it('sends a body of many megabytes whole', async () => {
    const upstream = await upstreamOf(async (request, response) =>
      response.end(String((await bodyOf(request)).length)),
    );
    const body = Buffer.alloc(20_000_000, 'x');
    expect(await call(upstream, { ...POST, body })).toMatchObject({ type: 'ended', body: '20000000' });
  });

  it('serves every call at an upstream that closes after each answer and does not say so', async () => {
    const url = await listen(
      createSocketServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
      }),
    );
    const upstream = await open(url);
    for (let i = 0; i < 20; i++) expect(await call(upstream)).toMatchObject({ type: 'ended', body: '{}' });
  });

  it('takes nothing that was sent unasked for an answer', async () => {
    let served = 0;
    const answer = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n${body}`;
    const url = await listen(
      createSocketServer((socket) => {
        socket.on('error', () => {});
        // The first of each connection's answers has another behind it.
        socket.on('data', () => socket.write(answer(`"${++served}ok"`) + answer('"bad"')));
      }),
    );
    const upstream = await open(url);
    expect(await call(upstream)).toMatchObject({ body: '"1ok"' });
    expect(await call(upstream)).toMatchObject({ body: '"2ok"' });
  });

  it('sends nothing behind a request that was answered before it was all sent', async () => {
    let connections = 0;
    const url = await listen(
      createSocketServer((socket) => {
        connections++;
        closers.push(() => socket.destroy());
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.pause();
          socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig');
        });
      }),
    );
    const upstream = await open(url);
    const body = Buffer.alloc(30_000_000, 'x');
    for (let i = 1; i <= 2; i++) {
      expect(await call(upstream, { ...POST, body })).toMatchObject({ type: 'ended', status: 413, body: 'big' });
      expect(connections).toBe(i);
    }
  });

  it('uses no connection for longer than the other side keeps it', async () => {
    const ports = new Set<number | undefined>();
    const upstream = await upstreamOf((request, response) => {
      ports.add(request.socket.remotePort);
      response.setHeader('keep-alive', 'timeout=1').end('{}');
    });
    for (let i = 0; i < 3; i++) await call(upstream);
    expect(ports.size).toBe(3);
  });

  it.each([
    ['a head that is none', 'HTTP/1.1 200\nOK\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ])('fails an answer with %s, and closes its connection', async (_, bytes) => {
    let closed: () => void;
    const cut = new Promise<void>((resolve) => (closed = resolve));
    const url = await listen(
      createSocketServer((socket) => {
        socket.on('error', () => {});
        socket.on('close', () => closed());
        socket.once('data', () => socket.write(bytes));
      }),
    );
    expect(await call(await open(url))).toMatchObject({ type: 'failed', timeout: false });
    await cut;
  });

  it('sends no header that would begin another', async () => {
    const upstream = await upstreamOf((_request, response) => response.end('{}'));
    const outcome = await call(upstream, { ...POST, headers: { 'anthropic-beta': 'a\r\nx-api-key: other' } });
    expect(outcome).toEqual({ type: 'failed', reason: 'the header "anthropic-beta" cannot be sent', timeout: false });
  });

  it('makes no call once it is closed, and fails those that it has', async () => {
    let closed: () => void;
    const cut = new Promise<void>((resolve) => (closed = resolve));
    let arrived: () => void;
    const here = new Promise<void>((resolve) => (arrived = resolve));
    const upstream = await upstreamOf((request) => {
      request.socket.once('close', () => closed());
      arrived();
    });
    const underWay = call(upstream);
    await here;
    await upstream.close();
    await cut;
    const closedHere = { type: 'failed', reason: 'the upstream is closed', timeout: false };
    expect(await underWay).toEqual(closedHere);
    expect(await call(upstream)).toEqual(closedHere);
  });
});

/** Counts connections and answers, and answers as soon as anything comes. */
const PROMPT_SERVER = `
  const { parentPort, workerData: { counts, ...certificate } } = require('node:worker_threads');
  const server = require('node:tls').createServer(certificate, (socket) => {
    Atomics.add(counts, 0, 1);
    socket.on('error', () => {}).on('data', () => {
      socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\n{}', () => {
        Atomics.add(counts, 1, 1);
        Atomics.notify(counts, 1);
      });
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

describe('the messages upstream over TLS', () => {
  const tlsUpstream = async () => {
    const resumed: boolean[] = [];
    const server = createTlsServer({ key: CERTIFICATE_KEY, cert: CERTIFICATE }, (request, response) => {
      // Closed every time, so that each call has a connection of its own.
      response.setHeader('connection', 'close').end(String(request.headers.host));
    });
    server.on('secureConnection', (socket) => resumed.push(socket.isSessionReused()));
    const url = (await listen(server)).replace('http://127.0.0.1', 'https://localhost');
    return { upstream: await open(url), resumed, host: url.slice('https://'.length) };
  };

  it('refuses a certificate that nobody vouches for', async () => {
    const { upstream } = await tlsUpstream();
    const outcome = await call(upstream);
    expect(outcome).toMatchObject({ type: 'failed', timeout: false });
    expect(outcome).toHaveProperty('reason', expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'));
  });

  it('uses its connections again, however soon the answers come', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    closers.push(() => vi.unstubAllEnvs());
    // In a thread of its own it answers while this one stands still: word that a request was sent comes after its answer.
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const server = new Worker(PROMPT_SERVER, {
      eval: true,
      workerData: { key: CERTIFICATE_KEY, cert: CERTIFICATE, counts },
    });
    closers.push(() => server.terminate());
    const [port] = (await once(server, 'message')) as [number];
    const upstream = await open(`https://localhost:${port}`);
    for (let round = 1; round <= 5; round++) {
      const calls = Array.from({ length: 8 }, () => call(upstream));
      // Bounded, since requests that need a new connection are not even sent before this thread goes on.
      const untilMs = Date.now() + (round > 1 ? 1000 : 0);
      while ((counts[1] ?? 0) < round * 8 && Date.now() < untilMs) Atomics.wait(counts, 1, counts[1] ?? 0, 100);
      for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ type: 'ended', body: '{}' });
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(counts[0]).toBe(8);
  });

  it('takes up its session again with the next connection', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    closers.push(() => vi.unstubAllEnvs());
    const { upstream, resumed, host } = await tlsUpstream();
    for (let i = 0; i < 3; i++) expect(await call(upstream)).toMatchObject({ type: 'ended', body: host });
    expect(resumed).toEqual([false, true, true]);
  });
});
