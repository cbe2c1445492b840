import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ResultReader } from '../spool/spool.ts';
import { ask, MemoryReader, startRoom, type TestRoom } from './http.fixture.ts';

const MB = 1024 * 1024;
const LINE = '{"custom_id":"a","result":{"type":"canceled"}}\n';

async function withResults(room: TestRoom, reader: ResultReader): Promise<string> {
  const batch = await room.addBatch(room.workspaces.w1, 'ended');
  room.results.set(batch.id, reader);
  return `/v1/messages/batches/${batch.id}/results`;
}

describe('results', () => {
  it.each(['application/binary', 'application/x-jsonl', 'application/json', '*/*', 'image/png'])(
    'are the log byte for byte, whatever the client accepts: %s',
    async (accept) => {
      const room = await startRoom();
      const reader = new MemoryReader(Buffer.from(LINE.repeat(2)));
      const answer = await ask(room, { path: await withResults(room, reader), headers: { accept } });
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'application/x-jsonl',
        'content-length': `${2 * LINE.length}`,
      });
      expect(answer.headers['request-id']).toMatch(/^req_/);
      expect(answer.text).toBe(LINE.repeat(2));
      expect(reader.closed).toBe(true);
    },
  );

  it.each([0, 1, MB - 1, MB, MB + 1, 2 * MB, 5 * MB + 12_345])(
    'of %i bytes arrive whole and in order',
    async (bytes) => {
      const room = await startRoom();
      const content = Buffer.alloc(bytes);
      for (let i = 0; i + 4 <= bytes; i += 4) content.writeUInt32LE(i, i);
      const received = await download(room, await withResults(room, new MemoryReader(content)));
      expect(Buffer.compare(received, content)).toBe(0);
    },
  );

  it('arrive whole from a reader that gives less than it is asked for', async () => {
    const room = await startRoom();
    const content = Buffer.from(LINE.repeat(100_000));
    const whole = new MemoryReader(content);
    const reader: ResultReader = {
      bytes: whole.bytes,
      read: (target, position) => whole.read(target.subarray(0, 1 + (position % 200_000)), position),
      close: () => whole.close(),
    };
    const received = await download(room, await withResults(room, reader));
    expect(Buffer.compare(received, content)).toBe(0);
  });

  it('downloaded twice are the same', async () => {
    const room = await startRoom();
    const path = await withResults(room, new MemoryReader(Buffer.from(LINE)));
    expect((await ask(room, { path })).text).toBe((await ask(room, { path })).text);
  });

  it('HEAD tells their length and reads nothing', async () => {
    const room = await startRoom();
    const reader = new MemoryReader(Buffer.from(LINE));
    const answer = await ask(room, { method: 'HEAD', path: await withResults(room, reader) });
    expect(answer.headers['content-length']).toBe(String(LINE.length));
    expect(reader).toMatchObject({ closed: true, furthest: 0 });
  });

  it('are read no further ahead than a slow client takes them, and closed when it goes', async () => {
    const room = await startRoom();
    const total = 256 * MB;
    let closed = (): void => {};
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    let furthest = 0;
    const reader: ResultReader = {
      bytes: total,
      async read(target, position) {
        furthest = position + target.byteLength;
        return target.byteLength;
      },
      close: async () => closed(),
    };
    const path = await withResults(room, reader);
    await new Promise<void>((resolve) => {
      const socket = connect(room.port, '127.0.0.1');
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: a\r\nx-api-key: ${room.keys.k1a}\r\nanthropic-version: 2023-06-01\r\n\r\n`,
      );
      socket.once('data', () => {
        socket.pause();
        socket.destroy();
        resolve();
      });
    });
    await isClosed;
    // What the kernel's socket buffers took, and the two buffers of the server; far from the whole.
    expect(furthest).toBeLessThan(64 * MB);
  });

  it('that end before their length cut the connection, and never pass for complete', async () => {
    const room = await startRoom();
    const reader: ResultReader = {
      bytes: 3 * MB,
      read: async (target, position) => (position >= MB ? 0 : target.byteLength),
      close: async () => {},
    };
    await expect(download(room, await withResults(room, reader))).rejects.toThrow('aborted');
    expect((await ask(room, { path: '/healthz' })).status).toBe(200);
  });

  it('are closed when reading fails', async () => {
    const room = await startRoom();
    let closed = 0;
    const reader: ResultReader = {
      bytes: MB,
      read: () => Promise.reject(new Error('EIO')),
      close: async () => void closed++,
    };
    await expect(download(room, await withResults(room, reader))).rejects.toThrow();
    expect(closed).toBe(1);
  });

  it.each([
    ['a running batch', 'in_progress'],
    ['a canceling batch', 'canceling'],
    ['an archived batch', 'archived'],
  ] as const)('of %s answer 404 in the API’s words', async (_name, stage) => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, stage);
    room.results.set(batch.id, new MemoryReader(Buffer.from(LINE)));
    const answer = await ask(room, { path: `/v1/messages/batches/${batch.id}/results` });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({
      error: { type: 'not_found_error', message: `Message Batch ${batch.id} has no available results.` },
    });
  });
});

function download(room: TestRoom, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': room.keys.k1a, 'anthropic-version': '2023-06-01' };
    const request = httpRequest({ port: room.port, path, headers, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve(Buffer.concat(chunks));
      } catch (error) {
        reject(error as Error);
      }
    });
    request.on('error', reject).end();
  });
}
