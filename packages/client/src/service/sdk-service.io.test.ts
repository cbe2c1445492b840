import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import type { BatchBody, BatchService, CreateOutcome } from './batch-service.ts';
import { BATCH, bodyOf, KEY } from './fake-api.fixture.ts';
import { connectService } from './sdk-service.ts';

/** Servers of bare sockets, which do what no honest server does. */
const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    serve(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';

/** A service whose server answers the greeting, and leaves the rest to `serve`: once per connection, with the head it saw. */
async function serviceOf(serve: (socket: Socket, head: string) => void): Promise<BatchService> {
  const url = await listen((socket) => {
    let seen = '';
    let isServed = false;
    socket.on('data', (data: Buffer) => {
      if (isServed) return;
      seen += data.toString('latin1');
      const end = seen.indexOf('\r\n\r\n');
      if (end === -1) return;
      if (seen.startsWith('GET /ext/v1 ')) {
        seen = seen.slice(end + 4);
        socket.write(NOT_FOUND);
        return;
      }
      isServed = true;
      serve(socket, seen);
    });
  });
  return connectService(new Anthropic({ baseURL: url, apiKey: KEY, maxRetries: 0 }));
}

test('a port that fetch refuses is named as the cause', async () => {
  const client = new Anthropic({ baseURL: 'http://127.0.0.1:6000', apiKey: KEY, maxRetries: 0 });
  await expect(connectService(client)).rejects.toMatchObject({
    status: null,
    message: expect.stringMatching(
      /failed: fetch refuses the port of http:\/\/127\.0\.0\.1:6000\. Have the server listen on another port/,
    ),
  });
});

/** A body that is not done when a few socket buffers are full. */
function largeBody(bytes: number): BatchBody & { readonly made: () => number } {
  const piece = new Uint8Array(64 * 1024).fill(32);
  let made = 0;
  return {
    requests: 1,
    bytes,
    options: null,
    made: () => made,
    async *pieces() {
      for (made = 0; made < bytes;) {
        const size = Math.min(piece.byteLength, bytes - made);
        made += size;
        yield piece.subarray(0, size);
      }
    },
  };
}

const MB = 1024 * 1024;
const reply = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
const TOO_LARGE = '{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}';

describe('a create', () => {
  const small = (serve: (socket: Socket, head: string) => void): Promise<CreateOutcome> =>
    serviceOf(serve).then((service) => service.create(bodyOf(['{"requests":[]}'])));

  test('is refused with 413 while its body is still on the way', async () => {
    const service = await serviceOf((socket) => socket.end(reply('413 Too Large', TOO_LARGE)));
    const body = largeBody(200 * MB);
    const outcome = await service.create(body);
    expect(outcome).toMatchObject({ type: 'refused', error: { status: 413, type: 'request_too_large' } });
    expect(body.made()).toBeLessThan(100 * MB);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.destroy()],
    ['answered with garbage', (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n\r\n')],
    ['answered with half a head', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-ty')],
    ['answered with half a batch', (socket) => socket.end(reply('200 OK', JSON.stringify(BATCH)).slice(0, -40))],
    ['answered with no batch', (socket) => socket.end(reply('200 OK', '{"ok":true}'))],
    ['answered with 500', (socket) => socket.end(reply('500 Oops', '{}'))],
  ])('may have been made when the whole body was sent and the connection %s', async (_, serve) => {
    expect((await small(serve)).type).toBe('unknown');
  });

  test('was not made when the connection was reset half-way through the body', async () => {
    const service = await serviceOf((socket) => socket.resetAndDestroy());
    const outcome = await service.create(largeBody(64 * MB));
    expect(outcome).toMatchObject({ type: 'not_now', error: { status: null } });
  });

  test('that is not answered ends at the signal', async () => {
    const service = await serviceOf(() => undefined);
    const creating = service.create(bodyOf(['{}']), AbortSignal.timeout(200));
    await expect(creating).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('was not made where nobody listens', async () => {
    const service = await serviceOf((socket) => socket.destroy());
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    const outcome = await service.create(bodyOf(['{}']));
    expect(outcome.type).toBe('not_now');
    expect((outcome as { error: Error }).error.message).toMatch(
      /^Creating a batch at .* failed: nothing answers at http/,
    );
  });

  test('announces its length', async () => {
    let seen = '';
    await small((socket, head) => {
      seen = head;
      socket.end(reply('200 OK', JSON.stringify(BATCH)));
    });
    expect(seen).toMatch(/\r\ncontent-length: 15\r\n/);
    expect(seen).not.toMatch(/transfer-encoding/i);
    expect(seen).toMatch(new RegExp(`\\r\\nauthorization: Bearer ${KEY}\\r\\n`));
  });
});

describe('results', () => {
  const ended = { ...BATCH, processing_status: 'ended' };
  const cutAfter = (head: string, body: string, end: (socket: Socket) => void) =>
    serviceOf((socket, seen) => {
      if (!seen.includes('/results ')) return void socket.end(reply('200 OK', JSON.stringify(ended)));
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`, () => end(socket));
    });
  const read = async (service: BatchService): Promise<number> => {
    let bytes = 0;
    for await (const piece of service.results('msgbatch_1')) bytes += piece.byteLength;
    return bytes;
  };

  test.each<[string, string, string, (socket: Socket) => void]>([
    ['chunks end early', 'transfer-encoding: chunked', '3\r\n{}\n\r\n', (socket) => socket.end()],
    ['a reset comes', 'transfer-encoding: chunked', '3\r\n{}\n\r\n', (socket) => socket.resetAndDestroy()],
    ['the announced length is not reached', 'content-length: 100', '{}\n', (socket) => socket.end()],
    ['a chunk is garbage', 'transfer-encoding: chunked', '3\r\n{}\n\r\nzz\r\n', (socket) => socket.end()],
  ])('that are cut are no results: %s', async (_, head, body, end) => {
    await expect(read(await cutAfter(head, body, end))).rejects.toMatchObject({
      name: 'ServiceError',
      message: expect.stringMatching(/^Reading the results of batch msgbatch_1 failed: /),
    });
  });

  test('with a line of 5 MB are read whole, by and by', async () => {
    const line = `{"custom_id":"a","text":"${'x'.repeat(5 * MB)}"}\n`;
    const service = await cutAfter(`content-length: ${line.length}`, line, (socket) => socket.end());
    expect(await read(service)).toBe(line.length);
  });

  test('that nobody wants any more let go of the connection', async () => {
    let isClosed: Promise<unknown> = Promise.resolve();
    const service = await cutAfter('transfer-encoding: chunked', '3\r\n{}\n\r\n', (socket) => {
      isClosed = new Promise((resolve) => socket.once('close', resolve));
    });
    for await (const _ of service.results('msgbatch_1')) break;
    await isClosed;
  });

  test('stop at the signal', async () => {
    const service = await cutAfter('transfer-encoding: chunked', '3\r\n{}\n\r\n', () => undefined);
    const controller = new AbortController();
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const _ of service.results('msgbatch_1', controller.signal)) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });
});

test('the key stays where it belongs, whoever is pointed to', async () => {
  const heads: string[] = [];
  const other = await listen((socket) => {
    socket.on('data', (data) => {
      heads.push(data.toString('latin1'));
      socket.end(reply('200 OK', JSON.stringify(BATCH)));
    });
  });
  const service = await serviceOf((socket, head) => {
    if (head.includes('/results ')) return void socket.end(reply('200 OK', '{}'));
    if (head.startsWith('GET /v1/messages/batches/here')) {
      const pointing = { ...BATCH, results_url: `${other}/results` };
      return void socket.end(reply('200 OK', JSON.stringify(pointing)));
    }
    socket.end(`HTTP/1.1 307 Elsewhere\r\nlocation: ${other}/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
  });
  for await (const _ of service.results('here')) continue;
  await expect(service.retrieve('away')).rejects.toMatchObject({ status: 307 });
  await expect(service.cancel('away')).rejects.toMatchObject({ status: 307 });
  expect((await service.create(bodyOf(['{}']))).type).toBe('refused');
  expect(heads).toEqual([]);
});
