import { LIMITS } from '@batchwright/protocol';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ask, createBody, sendRaw, startRoom } from './http.fixture.ts';

const CREATE = '/v1/messages/batches';

/** The envelope of a raw response, checked to be one and to name the request id of its own header. */
function envelope(raw: string): { status: number; type: string; message: string } {
  const [head = '', body = ''] = raw.split('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const parsed = JSON.parse(body) as { error: { type: string; message: string }; request_id: string };
  expect(/^request-id: (\S+)/im.exec(head)?.[1]).toBe(parsed.request_id);
  expect(parsed.request_id).toMatch(/^req_01/);
  expect(head).toMatch(/^content-type: application\/json/im);
  return { status, type: parsed.error.type, message: parsed.error.message };
}

describe('what is not valid HTTP', () => {
  it.each([
    ['garbage', 'hello there\r\n\r\n'],
    ['an unknown method', 'BREW /v1/messages/batches HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nhost: a\r\nnonsense\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n'],
    ['a length beside chunks', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a missing host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n'],
  ])('%s answers 400 in the envelope', async (_name, bytes) => {
    const room = await startRoom();
    const answer = envelope(await sendRaw(room.port, bytes));
    expect(answer).toMatchObject({ status: 400, type: 'invalid_request_error' });
  });

  it('a flood of garbage is read for long enough that its sender sees the answer', async () => {
    const room = await startRoom();
    const garbage = Buffer.from('nonsense\r\n'.repeat(100_000));
    const { text } = await writeAllThenRead(room.port, Array<Buffer>(16).fill(garbage));
    expect(envelope(text).status).toBe(400);
  });

  it('headers beyond the bound answer 431 in the envelope', async () => {
    const room = await startRoom();
    const bytes = `GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'a'.repeat(40_000)}\r\n\r\n`;
    expect(envelope(await sendRaw(room.port, bytes)).status).toBe(431);
  });

  it('CONNECT answers 405 in the envelope', async () => {
    const room = await startRoom();
    expect(envelope(await sendRaw(room.port, 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n')).status).toBe(405);
  });

  it('an unknown expectation answers 417 in the envelope', async () => {
    const room = await startRoom();
    const bytes = 'GET /healthz HTTP/1.1\r\nhost: a\r\nexpect: 200-ok\r\nconnection: close\r\n\r\n';
    expect(envelope(await sendRaw(room.port, bytes)).status).toBe(417);
  });

  it('a broken chunk in a body answers 400 once, and the server goes on', async () => {
    const room = await startRoom();
    const head = `POST ${CREATE} HTTP/1.1\r\nhost: a\r\nx-api-key: ${room.keys.k1a}\r\nanthropic-version: 2023-06-01\r\n`;
    const raw = await sendRaw(room.port, `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"req\r\nZZ\r\n`);
    expect(envelope(raw).status).toBe(400);
    expect(raw.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(await room.batches()).toEqual([]);
    expect((await ask(room, { path: '/healthz' })).status).toBe(200);
  });

  it('a client that vanishes in the middle of a body leaves nothing behind', async () => {
    const room = await startRoom();
    const gone = new Promise<void>((resolve) => {
      const socket = connect(room.port, '127.0.0.1', () => {
        const head = `POST ${CREATE} HTTP/1.1\r\nhost: a\r\nx-api-key: ${room.keys.k1a}\r\nanthropic-version: 2023-06-01`;
        socket.write(`${head}\r\ncontent-length: 1000\r\n\r\n{"requests":[`, () => socket.resetAndDestroy());
      });
      socket.on('close', () => resolve());
    });
    await gone;
    expect((await ask(room, { path: '/healthz' })).status).toBe(200);
    expect(await room.batches()).toEqual([]);
  });
});

describe('paths and methods', () => {
  it.each([
    '/',
    '/v1',
    '/v1/messages/batches/',
    '/v1/messages/batches//results',
    '/v1/messages/batches/%zz',
    '/v1/messages/batches/%E0%A4%A',
    '/_stainless_unknown_path',
    '/sim/clock',
    '//healthz',
  ])('%s is unknown, and says so without a key', async (path) => {
    const room = await startRoom();
    const answer = await ask(room, { path, key: null });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    expect(answer.headers['request-id']).toBe(answer.body['request_id']);
  });

  it('a known path refuses other methods with 405 and names those it takes', async () => {
    const room = await startRoom();
    const answer = await ask(room, { method: 'PUT', path: CREATE });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, GET, HEAD');
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('HEAD is GET without its body', async () => {
    const room = await startRoom();
    const [get, head] = [await ask(room, { path: '/healthz' }), await ask(room, { method: 'HEAD', path: '/healthz' })];
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect(head.text).toBe('');
  });

  it('the absolute form of a request line is understood', async () => {
    const room = await startRoom();
    const raw = await sendRaw(room.port, 'GET http://a/healthz?x=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    expect(raw).toContain('200 OK');
  });

  it('a handler that throws answers 500 in the envelope and the server goes on', async () => {
    const readiness = () => Promise.reject(new Error('disk'));
    const room = await startRoom({ services: { readiness } });
    const answer = await ask(room, { path: '/readyz' });
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ error: { type: 'api_error', message: 'Internal server error' } });
    expect((await ask(room, { path: '/healthz' })).status).toBe(200);
  });
});

describe('refusing a body', () => {
  it('a length beyond the limit answers 413 although the client sends all of it first', async () => {
    const room = await startRoom();
    const answer = await sendForcefully(room.port, room.keys.k1a, LIMITS.batchBodyBytes + 1024 * 1024);
    expect(answer.status).toBe(413);
    expect(answer.text).toContain('request_too_large');
    expect(await room.batches()).toEqual([]);
  });

  it('a wrong key answers 401 to a client in the middle of a long upload', async () => {
    const room = await startRoom();
    const answer = await sendForcefully(room.port, 'sk-wrong', 64 * 1024 * 1024);
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('API key is invalid.');
  });

  it('a wrong key is refused before the body is asked for', async () => {
    const room = await startRoom();
    const { events, status } = await expectContinue(room.port, 'sk-wrong');
    expect(status).toBe(401);
    expect(events).toEqual(['response']);
  });

  it('a good key is told to continue', async () => {
    const room = await startRoom();
    const { events, status } = await expectContinue(room.port, room.keys.k1a);
    expect(status).toBe(200);
    expect(events).toEqual(['continue', 'response']);
    expect(await room.batches()).toHaveLength(1);
  });

  it('a short refused body leaves the connection usable', async () => {
    const room = await startRoom();
    const refused = `POST ${CREATE} HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody`;
    const raw = await sendRaw(room.port, `${refused}GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    expect(raw.match(/HTTP\/1\.1 (\d{3})/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
  });
});

describe('shutting down', () => {
  it('creates are refused while polls go on', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1);
    room.server.stopAccepting();
    const create = await ask(room, { method: 'POST', path: CREATE, body: createBody(1) });
    expect(create.status).toBe(529);
    expect(create.body).toMatchObject({ error: { type: 'overloaded_error' } });
    expect((await ask(room, { path: `${CREATE}/${batch.id}` })).status).toBe(200);
    expect((await ask(room, { path: '/readyz' })).status).toBe(503);
  });

  it('close lets a call under way finish, and ends the connection with it', async () => {
    const room = await startRoom();
    const finish: (() => void)[] = [];
    const called = new Promise<void>((resolve) => {
      room.upstream.script = (_call, events) => {
        finish.push(() => {
          events.onHead(200, { 'content-type': 'application/json' });
          events.onEnd();
        });
        resolve();
      };
    });
    const answer = ask(room, { method: 'POST', path: '/v1/messages', body: '{}' });
    await called;
    const closed = room.server.close(60_000);
    finish[0]?.();
    expect((await answer).status).toBe(200);
    await closed;
  });

  it('close ends connections that their clients would keep', async () => {
    const room = await startRoom();
    const agent = new Agent({ keepAlive: true });
    let finish = (): void => {};
    const called = new Promise<void>((resolve) => {
      room.upstream.script = (_call, events) => {
        finish = () => {
          events.onHead(200, {});
          events.onEnd();
        };
        resolve();
      };
    });
    const headers = { 'x-api-key': room.keys.k1a, 'anthropic-version': '2023-06-01' };
    const request = httpRequest({ port: room.port, agent, method: 'POST', path: '/v1/messages', headers });
    const answered = new Promise<void>((resolve, reject) => {
      request.on('response', (response) => response.on('end', resolve).resume());
      request.on('error', reject).end('{}');
    });
    await called;
    const closed = room.server.close(60_000);
    finish();
    // Without it the idle connection lasts for its whole keep-alive time, and this test runs into its limit.
    await Promise.all([closed, answered]);
    agent.destroy();
  }, 20_000);

  it('close cuts what outlasts the grace', async () => {
    const room = await startRoom();
    const called = new Promise<void>((resolve) => (room.upstream.script = () => resolve()));
    const answer = ask(room, { method: 'POST', path: '/v1/messages', body: '{}' });
    const failed = answer.catch((error: unknown) => error);
    await called;
    await room.server.close(10);
    expect(await failed).toBeInstanceOf(Error);
  });
});

/** Sends a create of `bytes` however the server answers meanwhile. */
function sendForcefully(port: number, key: string, bytes: number): Promise<{ status: number; text: string }> {
  const head = `POST ${CREATE} HTTP/1.1\r\nhost: a\r\nx-api-key: ${key}\r\nanthropic-version: 2023-06-01\r\n`;
  const mebibyte = Buffer.alloc(1024 * 1024, 0x20);
  const body = Array<Buffer>(bytes / mebibyte.length).fill(mebibyte);
  return writeAllThenRead(port, [Buffer.from(`${head}content-length: ${bytes}\r\n\r\n`), ...body]);
}

/** Writes every chunk and reads only after the last one, as blocking clients do. */
function writeAllThenRead(port: number, chunks: readonly Buffer[]): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    const rest = chunks.values();
    const push = (): void => {
      const next = rest.next();
      if (next.done === true) read();
      else socket.write(next.value, push);
    };
    const read = (): void => {
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (data: string) => (text += data));
      socket.on('end', () => resolve({ status: Number(text.slice(9, 12)), text }));
      socket.resume();
    };
    socket.on('error', reject);
    push();
  });
}

function expectContinue(port: number, key: string): Promise<{ events: string[]; status: number }> {
  return new Promise((resolve, reject) => {
    const body = createBody(1);
    const events: string[] = [];
    const request = httpRequest({
      port,
      agent: false,
      method: 'POST',
      path: CREATE,
      headers: {
        'x-api-key': key,
        'anthropic-version': '2023-06-01',
        'content-length': Buffer.byteLength(body),
        expect: '100-continue',
      },
    });
    request.on('continue', () => {
      events.push('continue');
      request.end(body);
    });
    request.on('response', (response) => {
      events.push('response');
      response.resume();
      response.on('end', () => {
        resolve({ events, status: response.statusCode ?? 0 });
        request.destroy();
      });
    });
    request.on('error', reject);
    request.flushHeaders();
  });
}
