import { LIMITS } from '@batchwright/protocol';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ask, startRoom, type Ask, type TestRoom } from './http.fixture.ts';

const MESSAGE: Ask = { method: 'POST', path: '/v1/messages', body: '{"model":"m"}' };

describe('a message', () => {
  it('reaches the upstream as it was sent, without the client’s credential', async () => {
    const room = await startRoom();
    const headers = {
      'content-type': 'application/json',
      'anthropic-beta': 'files-api-2025-04-14',
      accept: 'application/json',
      cookie: 'a=b',
      authorization: `Bearer ${room.keys.k1a}`,
    };
    await ask(room, { ...MESSAGE, path: '/v1/messages?beta=true', headers });
    const call = room.upstream.calls[0];
    expect(call).toMatchObject({ method: 'POST', path: '/v1/messages?beta=true' });
    expect(Buffer.from(call?.body ?? []).toString()).toBe('{"model":"m"}');
    expect(call?.headers).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'files-api-2025-04-14',
      'content-type': 'application/json',
      accept: 'application/json',
    });
  });

  it('brings back status, body and the headers that mean something to a client', async () => {
    const room = await startRoom();
    room.upstream.script = (_call, events) => {
      events.onHead(429, {
        'content-type': 'application/json',
        'request-id': 'req_upstream',
        'retry-after': '7',
        'anthropic-ratelimit-tokens-remaining': '12',
        'set-cookie': ['a=b'],
        server: 'secret',
      });
      events.onData(Buffer.from('{"type":"error"}'));
      events.onEnd();
    };
    const answer = await ask(room, MESSAGE);
    expect(answer.status).toBe(429);
    expect(answer.text).toBe('{"type":"error"}');
    expect(answer.headers).toMatchObject({
      'request-id': 'req_upstream',
      'retry-after': '7',
      'anthropic-ratelimit-tokens-remaining': '12',
      'anthropic-workspace-id': room.workspaces.w1,
    });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers).not.toHaveProperty('server');
  });

  it('keeps the last piece of an answer, whose memory is another’s once it was handed over', async () => {
    const room = await startRoom();
    // More than a socket takes at once.
    const long = `{"type":"message","text":"${'a'.repeat(12_000_000)}"}`;
    room.upstream.script = (_call, events) => {
      const memory = Buffer.from(long);
      events.onHead(200, { 'content-type': 'application/json' });
      events.onData(memory, true);
      events.onEnd();
      memory.fill(0);
    };
    expect((await ask(room, MESSAGE)).text === long).toBe(true);
  });

  it('streams: a chunk is there before the next one is made', async () => {
    const room = await startRoom();
    const send = streamingScript(room);
    const response = await open(room);
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (const text of ['event: a\n\n', 'event: b\n\n', 'event: c\n\n']) {
      send.data(text);
      expect(String((await chunks.next()).value)).toBe(text);
    }
    send.end();
    expect((await chunks.next()).done).toBe(true);
  });

  it('is cancelled at the upstream when the client goes away, before or while it is answered', async () => {
    for (const hasBegun of [false, true]) {
      const room = await startRoom();
      const cancelled = new Promise<void>((resolve) => (room.upstream.onCancel = resolve));
      const called = new Promise<void>((resolve) => {
        room.upstream.script = (_call, events) => {
          if (hasBegun) events.onHead(200, { 'content-type': 'text/event-stream' });
          resolve();
        };
      });
      const request = begin(room);
      request.on('error', () => {});
      await called;
      request.destroy();
      await cancelled;
      expect(room.upstream.cancelled).toHaveLength(1);
    }
  });

  it('whose upstream cannot be reached answers 502 in the envelope', async () => {
    const room = await startRoom();
    room.upstream.script = (_call, events) => events.onFailure('connection refused', false);
    const answer = await ask(room, MESSAGE);
    expect(answer.status).toBe(502);
    expect(answer.body).toMatchObject({
      type: 'error',
      error: { type: 'api_error', message: 'The upstream could not answer: connection refused' },
      request_id: answer.headers['request-id'],
    });
  });

  it('whose stream breaks off ends in an error event', async () => {
    const room = await startRoom();
    room.upstream.script = (_call, events) => {
      events.onHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      events.onData(Buffer.from('event: message_start\ndata: {}\n\n'));
      events.onFailure('reset', false);
    };
    const answer = await ask(room, MESSAGE);
    expect(answer.text).toMatch(/^event: message_start\ndata: {}\n\nevent: error\ndata: {"type":"error",.*}\n\n$/);
  });

  it('whose JSON answer breaks off is cut, and not taken for whole', async () => {
    const room = await startRoom();
    room.upstream.script = (_call, events) => {
      events.onHead(200, { 'content-type': 'application/json' });
      events.onData(Buffer.from('{"type":'));
      events.onFailure('reset', false);
    };
    await expect(ask(room, MESSAGE)).rejects.toThrow();
  });

  it('refused for the server’s own credential answers 502, not 401', async () => {
    const room = await startRoom();
    room.upstream.script = (_call, events) => {
      events.onHead(401, { 'content-type': 'application/json' });
      events.onEnd();
    };
    const answer = await ask(room, MESSAGE);
    expect(answer.status).toBe(502);
    expect(answer.text).toContain('credential');
  });

  it('an upstream’s head that HTTP does not allow answers 502', async () => {
    const room = await startRoom();
    room.upstream.script = (_call, events) => {
      events.onHead(200, { 'content-type': 'a\r\nb: c' });
      events.onEnd();
    };
    expect((await ask(room, MESSAGE)).status).toBe(502);
  });

  it('beyond 32 MB answers 413, with its length stated or not', async () => {
    const room = await startRoom();
    const body = Buffer.alloc(LIMITS.messageBodyBytes + 1, 0x20);
    expect((await ask(room, { ...MESSAGE, body })).status).toBe(413);
    const chunked = await ask(room, { ...MESSAGE, body, headers: { 'transfer-encoding': 'chunked' } });
    expect(chunked.status).toBe(413);
    expect(room.upstream.calls).toEqual([]);
  });

  it('of exactly 32 MB passes', async () => {
    const room = await startRoom();
    const body = Buffer.alloc(LIMITS.messageBodyBytes, 0x20);
    expect((await ask(room, { ...MESSAGE, body })).status).toBe(200);
    expect(room.upstream.calls[0]?.body?.byteLength).toBe(LIMITS.messageBodyBytes);
  });
});

describe('the memory of message bodies', () => {
  const body = 'x'.repeat(600);

  it('is given back when a call is over, however it ended', async () => {
    const room = await startRoom({ settings: { messageBodiesBytes: 1000 } });
    expect((await ask(room, { ...MESSAGE, body })).status).toBe(200);
    expect((await ask(room, { ...MESSAGE, body: `${body}${body}` })).status).toBe(529);
    room.upstream.script = (_call, events) => events.onFailure('reset', false);
    expect((await ask(room, { ...MESSAGE, body })).status).toBe(502);
    expect((await ask(room, { ...MESSAGE, body })).status).toBe(502);
  });

  it('is shared: a call that would exceed it answers 529 while another holds it', async () => {
    const room = await startRoom({ settings: { messageBodiesBytes: 1000 } });
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
    const first = ask(room, { ...MESSAGE, body });
    await called;
    const second = await ask(room, { ...MESSAGE, body });
    expect(second.status).toBe(529);
    expect(second.body).toMatchObject({ error: { type: 'overloaded_error' } });
    finish();
    expect((await first).status).toBe(200);
  });
});

describe('count_tokens', () => {
  it('is passed on to its own path', async () => {
    const room = await startRoom();
    await ask(room, { method: 'POST', path: '/v1/messages/count_tokens', body: '{}' });
    expect(room.upstream.calls[0]?.path).toBe('/v1/messages/count_tokens');
  });
});

describe('models', () => {
  const without = (status: number) => (room: TestRoom) => {
    room.upstream.script = (_call, events) => {
      events.onHead(status, { 'content-type': 'text/html' });
      events.onData(Buffer.from('<html>'));
      events.onEnd();
    };
  };

  it('are the upstream’s when it lists them', async () => {
    const room = await startRoom();
    expect((await ask(room, { path: '/v1/models?limit=3' })).text).toBe('{"type":"message"}');
    expect(room.upstream.calls[0]).toMatchObject({ method: 'GET', path: '/v1/models?limit=3', body: null });
  });

  it.each([404, 405])('are none, in the API’s words, when it answers %i with a page', async (status) => {
    const room = await startRoom();
    without(status)(room);
    const list = await ask(room, { path: '/v1/models' });
    expect(list.status).toBe(404);
    expect(list.body).toMatchObject({ type: 'error', error: { type: 'not_found_error' } });
    const one = await ask(room, { path: '/v1/models/gpt' });
    expect(one.body).toMatchObject({ error: { type: 'not_found_error', message: 'model: gpt' } });
    expect(room.upstream.cancelled.length).toBeGreaterThan(0);
  });

  it('an upstream’s error that is no JSON becomes one that is', async () => {
    const room = await startRoom();
    without(503)(room);
    const answer = await ask(room, { path: '/v1/models' });
    expect(answer.status).toBe(502);
    expect(answer.body).toMatchObject({ type: 'error', error: { message: expect.stringContaining('503') } });
  });

  it.each([
    ['%2e%2e', []],
    ['%2E', []],
    ['a%2F..%2F..%2Fadmin', ['/v1/models/a%2F..%2F..%2Fadmin']],
    ['a%3Fb', ['/v1/models/a%3Fb']],
  ])('an id of %s cannot climb to another path of the upstream', async (id, paths) => {
    const room = await startRoom();
    await ask(room, { path: `/v1/models/${id}` });
    expect(room.upstream.calls.map((call) => call.path)).toEqual(paths);
  });
});

describe('the emulator’s controls', () => {
  it('are passed path, query and body, without a key', async () => {
    const seen: unknown[] = [];
    const room = await startRoom({
      services: {
        emulator: {
          handle(call, events) {
            seen.push({ ...call, body: call.body === null ? null : Buffer.from(call.body).toString() });
            setImmediate(() => {
              events.onHead(200, { 'content-type': 'application/json' });
              events.onEnd();
            });
            return () => {};
          },
        },
      },
    });
    const body = '{"advance_ms":1}';
    await ask(room, { method: 'POST', path: '/sim/clock?x=1', key: null, body });
    await ask(room, { method: 'DELETE', path: '/sim/faults', key: null });
    expect(seen).toMatchObject([
      { method: 'POST', path: '/sim/clock?x=1', body },
      { method: 'DELETE', path: '/sim/faults', body: null },
    ]);
  });
});

function begin(room: TestRoom) {
  const headers = { 'x-api-key': room.keys.k1a, 'anthropic-version': '2023-06-01' };
  const request = httpRequest({ port: room.port, method: 'POST', path: '/v1/messages', headers, agent: false });
  request.end('{}');
  return request;
}

function open(room: TestRoom): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => begin(room).on('response', resolve).on('error', reject));
}

/** An upstream whose answer is sent piece by piece by the test; the head goes out at once. */
function streamingScript(room: TestRoom): { data(text: string): void; end(): void } {
  let sink: Parameters<TestRoom['upstream']['script']>[1] | null = null;
  room.upstream.script = (_call, events) => {
    events.onHead(200, { 'content-type': 'text/event-stream' });
    sink = events;
  };
  return { data: (text) => sink?.onData(Buffer.from(text)), end: () => sink?.onEnd() };
}
