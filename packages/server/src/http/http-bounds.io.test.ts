import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createLog } from '../observe/log.ts';
import { createBody, sendRaw, startRoom, type TestRoom } from './http.fixture.ts';

/** What one client can hold of the server, bound by bound, on real sockets. */

const CREATE = '/v1/messages/batches';

function head(room: TestRoom, line: string, ...headers: readonly string[]): string {
  const common = ['host: a', `x-api-key: ${room.keys.k1a}`, 'anthropic-version: 2023-06-01'];
  return `${[`${line} HTTP/1.1`, ...common, ...headers].join('\r\n')}\r\n\r\n`;
}

function statusesOf(raw: string): readonly number[] {
  return [...raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

describe('a head that takes its time', () => {
  it.each([
    ['whose lines drip', 'GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: '],
    ['whose first line is never done', 'GET /heal'],
  ])('%s is answered 408 in the envelope, and the connection ends', async (_name, bytes) => {
    const room = await startRoom({ settings: { headersTimeoutMs: 50 } });
    const raw = await sendRaw(room.port, bytes);
    expect(statusesOf(raw)).toEqual([408]);
    expect(raw).toContain('The request headers stopped arriving before they were complete.');
  });

  it('is bounded also when nothing at all is sent', async () => {
    const room = await startRoom({ settings: { headersTimeoutMs: 50 } });
    expect(statusesOf(await sendRaw(room.port, ''))).toEqual([408]);
  });

  it('is bounded behind a call that was served', async () => {
    const room = await startRoom({ settings: { headersTimeoutMs: 50 } });
    const raw = await sendRaw(room.port, 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET /healthz HTTP/1.1\r\nhost:');
    expect(statusesOf(raw)).toEqual([200, 408]);
  });
});

describe('a body that takes its time', () => {
  it('is given up when a minute brings next to nothing, however often a byte comes', async () => {
    const room = await startRoom();
    const { socket, heard } = await open(room);
    socket.write(head(room, 'POST /v1/messages', 'content-length: 10000'));
    while (room.pace.pendingCount === 0) await new Promise(setImmediate);
    for (let seconds = 0; seconds < 60; seconds++) {
      await written(socket, 'x');
      await room.pace.advance(1_000);
    }
    await closed(socket);
    expect(statusesOf(heard())).toEqual([408]);
    expect(heard()).toContain('The request body stopped arriving before it was complete.');
    expect(room.upstream.calls).toEqual([]);
  });
});

describe('headers', () => {
  it('of 33 KB answer 431, of 30 KB do not', async () => {
    const room = await startRoom();
    const long = (bytes: number) => head(room, 'GET /healthz', `x-long: ${'a'.repeat(bytes)}`, 'connection: close');
    expect(statusesOf(await sendRaw(room.port, long(33 * 1024)))).toEqual([431]);
    expect(statusesOf(await sendRaw(room.port, long(30 * 1024)))).toEqual([200]);
  });

  it('beyond 256 answer 431, and none is dropped in silence', async () => {
    const room = await startRoom();
    const many = (count: number) =>
      head(room, 'GET /healthz', ...Array<string>(count - 4).fill('x: y'), 'connection: close');
    expect(statusesOf(await sendRaw(room.port, many(256)))).toEqual([200]);
    expect(statusesOf(await sendRaw(room.port, many(257)))).toEqual([431]);
    // More than Node itself would keep, and the key is the last of them.
    const hidden = ['x-api-key: sk-wrong', 'connection: close'];
    const flood = head(room, 'GET /v1/messages/batches', ...Array<string>(2500).fill('x: y'), ...hidden);
    expect(statusesOf(await sendRaw(room.port, flood))).toEqual([431]);
  });

  it('behind a chunked body are bounded too, and so are the extensions of a chunk', async () => {
    const room = await startRoom();
    const chunked = head(room, `POST ${CREATE}`, 'transfer-encoding: chunked');
    const trailers = `${chunked}2\r\n{}\r\n0\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(100)}\r\n`;
    const extended = `${chunked}2;${'e'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`;
    for (const bytes of [trailers, extended]) {
      const statuses = statusesOf(await sendRaw(room.port, bytes));
      expect(statuses.length).toBeLessThanOrEqual(1);
      expect(statuses.every((status) => status >= 400 && status < 500)).toBe(true);
    }
    expect(await room.batches()).toEqual([]);
  });
});

describe('a URL', () => {
  it('of 64 KB answers 431, and one of 30 KB is looked up and quoted whole or not at all', async () => {
    const room = await startRoom();
    const url = (bytes: number) => head(room, `GET ${CREATE}/${'a'.repeat(bytes)}`, 'connection: close');
    expect(statusesOf(await sendRaw(room.port, url(64 * 1024)))).toEqual([431]);
    expect(statusesOf(await sendRaw(room.port, url(30 * 1024)))).toEqual([404]);
  });
});

describe('connections', () => {
  it('beyond the limit are turned away, those there are go on, and the log is not flooded', async () => {
    const lines: string[] = [];
    const log = createLog({ level: 'warn', target: { write: (line) => void lines.push(line) } });
    const room = await startRoom({ settings: { maxConnections: 3 }, services: { log } });
    const kept = await Promise.all([open(room), open(room), open(room)]);
    for (let i = 0; i < 50; i++) expect(await sendRaw(room.port, '').catch(() => '')).toBe('');
    kept[0].socket.write(head(room, 'GET /healthz', 'connection: close'));
    await closed(kept[0].socket);
    expect(statusesOf(kept[0].heard())).toEqual([200]);
    await log.flush();
    expect(lines.filter((line) => line.includes('turned connections away'))).toHaveLength(1);
    for (const { socket } of kept) socket.destroy();
  });

  it('say how long they are kept for a further call', async () => {
    const room = await startRoom();
    const { socket, heard } = await open(room);
    socket.write(head(room, 'GET /healthz'));
    await new Promise((resolve) => socket.once('data', resolve));
    expect(heard()).toContain('Keep-Alive: timeout=75');
    socket.destroy();
  });
});

describe('pipelined calls', () => {
  it('are answered in order', async () => {
    const room = await startRoom();
    const calls = ['/healthz', '/nowhere', '/readyz'].map((path) => head(room, `GET ${path}`)).join('');
    const raw = await sendRaw(room.port, calls + head(room, `GET ${CREATE}`, 'connection: close'));
    expect(statusesOf(raw)).toEqual([200, 404, 200, 200]);
  });

  it('do not make one connection a thousand: those beyond 32 reach nobody', async () => {
    const room = await startRoom();
    const started: (() => void)[] = [];
    room.upstream.script = (_call, events) => {
      started.push(() => {
        events.onHead(200, { 'content-type': 'application/json' });
        events.onEnd();
      });
      if (started.length === 32) setImmediate(() => started.forEach((finish) => finish()));
    };
    const call = head(room, 'POST /v1/messages', 'content-length: 2') + '{}';
    const statuses = statusesOf(await sendRaw(room.port, call.repeat(200)));
    expect(room.upstream.calls).toHaveLength(32);
    expect(statuses).toEqual([...Array<number>(32).fill(200), 400]);
  });

  it('that are nonsense do not harm the call before them', async () => {
    const room = await startRoom();
    const body = createBody(2);
    const create = head(room, `POST ${CREATE}`, `content-length: ${Buffer.byteLength(body)}`) + body;
    const raw = await sendRaw(room.port, `${create}what is this\r\n\r\n`);
    expect(statusesOf(raw)).toEqual([200]);
    expect(await room.batches()).toHaveLength(1);
  });

  it('cannot put an answer to CONNECT into the middle of another', async () => {
    const room = await startRoom();
    let finish = (): void => {};
    const called = new Promise<void>((resolve) => {
      room.upstream.script = (_call, events) => {
        events.onHead(200, { 'content-type': 'application/json' });
        events.onData(Buffer.from('{"type":'));
        finish = () => events.onEnd();
        resolve();
      };
    });
    const { socket, heard } = await open(room);
    socket.write(head(room, 'POST /v1/messages', 'content-length: 2') + '{}');
    await called;
    socket.write(head(room, 'CONNECT a:1'));
    await closed(socket);
    finish();
    expect(statusesOf(heard()).filter((status) => status === 405)).toEqual([]);
  });
});

interface Opened {
  readonly socket: Socket;
  heard(): string;
}

function open(room: TestRoom): Promise<Opened> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(room.port, '127.0.0.1', () => resolve({ socket, heard: () => heard }));
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (heard += text));
    socket.on('error', reject);
  });
}

const written = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve) => socket.write(text, () => resolve()));

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
