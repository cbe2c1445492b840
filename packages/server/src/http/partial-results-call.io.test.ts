import { connect } from 'node:net';
import type { BatchId } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import type { ResultReader } from '../spool/spool.ts';
import { ask, MemoryReader, startRoom, type Answer, type Stage, type TestRoom } from './http.fixture.ts';
import { writeCursor } from './results-cursor.ts';
import { requestTaking, startWholeServer, type WholeServer } from './whole-server.fixture.ts';

const lineOf = (id: string, bytes = 0): string =>
  `{"custom_id":"${id}","result":{"type":"succeeded","message":{"text":"${'é'.repeat(bytes / 2)}"}}}\n`;
const LINES = Array.from({ length: 10 }, (_, i) => lineOf(`r-${i}`, i));
const pathOf = (id: string, query = ''): string => `/ext/v1/batches/${id}/results${query}`;

async function withResults(room: TestRoom, text: string, stage: Stage = 'in_progress'): Promise<BatchId> {
  const { id } = await room.addBatch(room.workspaces.w1, stage);
  room.results.set(id, new MemoryReader(Buffer.from(text)));
  return id;
}

/** Follows the cursors from the first line until nothing follows or nothing new is there; answers every page. */
async function follow(room: TestRoom, id: BatchId, query = ''): Promise<readonly Answer[]> {
  const pages: Answer[] = [];
  let cursor = '';
  for (;;) {
    const page = await ask(room, { path: pathOf(id, `?cursor=${cursor}${query}`) });
    expect(page.status, page.text).toBe(200);
    pages.push(page);
    if (page.headers['batchwright-complete'] === 'true' || page.text === '') return pages;
    cursor = String(page.headers['batchwright-cursor']);
  }
}

describe('partial results', () => {
  it.each([1, 3, 10, 11])('of an ended batch are its file, in pages of %i lines', async (limit) => {
    const room = await startRoom();
    const id = await withResults(room, LINES.join(''), 'ended');
    const pages = await follow(room, id, `&limit=${limit}`);
    expect(pages.map(({ text }) => text).join('')).toBe(LINES.join(''));
    expect(pages).toHaveLength(Math.ceil(LINES.length / limit));
    expect(pages.map(({ headers }) => headers['batchwright-complete'])).toEqual([
      ...Array.from({ length: pages.length - 1 }, () => undefined),
      'true',
    ]);
    expect(pages[0]?.headers['content-type']).toBe('application/x-jsonl');
  });

  it('come in pages of whole lines of about 8 MB, and a longer line comes whole', async () => {
    const room = await startRoom();
    const lines = [lineOf('a', 5e6), lineOf('b', 5e6), lineOf('c', 20e6), lineOf('d', 10)];
    const id = await withResults(room, lines.join(''), 'ended');
    const pages = await follow(room, id);
    expect(pages.map(({ text }) => text === lines[0] || text.slice(0, 18))).toEqual([
      true,
      ...lines.slice(1).map((line) => line.slice(0, 18)),
    ]);
    expect(pages.map(({ text }) => text).join('') === lines.join('')).toBe(true);
  });

  it.each(['in_progress', 'canceling'] as const)('of a batch that is %s go on where they ended', async (stage) => {
    const room = await startRoom();
    const id = await withResults(room, LINES.slice(0, 4).join(''), stage);
    const first = await ask(room, { path: pathOf(id) });
    expect(first).toMatchObject({ status: 200, text: LINES.slice(0, 4).join('') });
    expect(first.headers).not.toHaveProperty('batchwright-complete');
    expect(first.headers).not.toHaveProperty('retry-after');
    const cursor = `?cursor=${String(first.headers['batchwright-cursor'])}`;
    const nothing = await ask(room, { path: pathOf(id, cursor) });
    expect(nothing).toMatchObject({ status: 200, text: '', headers: { 'retry-after': '10' } });
    expect(nothing.headers['batchwright-cursor']).toBe(first.headers['batchwright-cursor']);
    room.results.set(id, new MemoryReader(Buffer.from(LINES.slice(0, 6).join(''))));
    expect((await ask(room, { path: pathOf(id, cursor) })).text).toBe(LINES.slice(4, 6).join(''));
  });

  it('of a batch that nobody has begun are nothing yet', async () => {
    const room = await startRoom();
    const { id } = await room.addBatch(room.workspaces.w1);
    const answer = await ask(room, { path: pathOf(id) });
    expect(answer).toMatchObject({ status: 200, text: '', headers: { 'retry-after': '10', 'content-length': '0' } });
  });

  it('wait when less is certain than was shown before, as while a log is being recovered', async () => {
    const room = await startRoom();
    const id = await withResults(room, LINES.slice(0, 4).join(''));
    const cursor = String((await ask(room, { path: pathOf(id) })).headers['batchwright-cursor']);
    room.results.set(id, new MemoryReader(Buffer.from(LINES.slice(0, 2).join(''))));
    const answer = await ask(room, { path: pathOf(id, `?cursor=${cursor}`) });
    expect(answer).toMatchObject({ status: 200, text: '', headers: { 'batchwright-cursor': cursor } });
  });

  it('of an archived batch are answered as the results call does', async () => {
    const room = await startRoom();
    const id = await withResults(room, LINES.join(''), 'archived');
    const [mine, usual] = await Promise.all([
      ask(room, { path: pathOf(id) }),
      ask(room, { path: `/v1/messages/batches/${id}/results` }),
    ]);
    expect([mine?.status, mine?.body['error']]).toEqual([usual?.status, usual?.body['error']]);
    expect(mine?.status).toBe(404);
  });

  it.each([
    ['cursor=nonsense', 'cursor: `nonsense` is not a place in the results of this batch'],
    [`cursor=${writeCursor('msgbatch_01other' as BatchId, 0)}`, 'cursor: `'],
    ['limit=0', 'limit: Input should be a whole number of lines from 1 on'],
    ['limit=many', 'limit: Input should be a whole number of lines from 1 on'],
    ['wait=61', 'wait: Input should be a number of seconds from 0 to 60'],
    ['wait=-1', 'wait: Input should be a number of seconds from 0 to 60'],
  ])('refuse ?%s', async (query, message) => {
    const room = await startRoom();
    const id = await withResults(room, LINES.join(''));
    const { status, body } = await ask(room, { path: pathOf(id, `?${query}`) });
    expect([status, body['error']]).toMatchObject([400, { type: 'invalid_request_error' }]);
    expect((body['error'] as { message: string }).message).toContain(message);
  });

  it('refuse a cursor that leads into a line, or past the end of a file that will not grow', async () => {
    const room = await startRoom();
    const id = await withResults(room, LINES.join(''), 'ended');
    const length = Buffer.byteLength(LINES.join(''));
    const statusAt = async (offset: number) =>
      (await ask(room, { path: pathOf(id, `?cursor=${writeCursor(id, offset)}`) })).status;
    expect(await statusAt(5)).toBe(400);
    expect(await statusAt(length + 1)).toBe(400);
    expect(await statusAt(length)).toBe(200);
    expect(await statusAt(Buffer.byteLength(LINES[0] ?? ''))).toBe(200);
  });

  it('HEAD tells the length and the cursor, and sends nothing', async () => {
    const room = await startRoom();
    const id = await withResults(room, LINES.join(''), 'ended');
    const { headers, text } = await ask(room, { method: 'HEAD', path: pathOf(id) });
    expect([text, headers['content-length']]).toEqual(['', String(Buffer.byteLength(LINES.join('')))]);
    expect(headers['batchwright-complete']).toBe('true');
  });

  it('are closed when their client goes', async () => {
    const room = await startRoom();
    let closed = (): void => {};
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    const reader: ResultReader = {
      bytes: 8e6,
      async read(target) {
        target.fill(0x0a);
        return target.length;
      },
      close: async () => closed(),
    };
    const { id } = await room.addBatch(room.workspaces.w1);
    room.results.set(id, reader);
    const socket = connect(room.port, '127.0.0.1');
    socket.write(`GET ${pathOf(id)} HTTP/1.1\r\nhost: a\r\nx-api-key: ${room.keys.k1a}\r\n`);
    socket.write('anthropic-version: 2023-06-01\r\n\r\n');
    socket.once('data', () => socket.destroy());
    await isClosed;
  });
});

describe('a poll that waits', () => {
  /** Asks, and answers once the room is listened to on behalf of the call. */
  async function waiting(room: TestRoom, id: BatchId, query: string): Promise<{ readonly answer: Promise<Answer> }> {
    const timers = room.pace.pendingCount;
    const answer = ask(room, { path: pathOf(id, query) });
    while (room.pace.pendingCount === timers) await new Promise(setImmediate);
    return { answer };
  }

  it('is answered as soon as something is durable', async () => {
    const room = await startRoom();
    const id = await withResults(room, '');
    const { answer } = await waiting(room, id, '?wait=60');
    room.results.set(id, new MemoryReader(Buffer.from(LINES[0] ?? '')));
    room.changes.tell(id, 'moved');
    expect((await answer).text).toBe(LINES[0]);
    expect(room.pace.pendingCount).toBe(0);
  });

  it('goes on waiting when what changed was something else', async () => {
    const room = await startRoom();
    const id = await withResults(room, '');
    const { answer } = await waiting(room, id, '?wait=60');
    room.changes.tell(id, 'moved');
    while (room.pace.pendingCount > 0) await new Promise(setImmediate);
    while (room.pace.pendingCount === 0) await new Promise(setImmediate);
    room.results.set(id, new MemoryReader(Buffer.from(LINES[0] ?? '')));
    room.changes.tell(id, 'moved');
    expect((await answer).text).toBe(LINES[0]);
  });

  it('is answered with nothing when its time is over', async () => {
    const room = await startRoom();
    const id = await withResults(room, '');
    const { answer } = await waiting(room, id, '?wait=2.5');
    await room.pace.advance(2500);
    expect(await answer).toMatchObject({ status: 200, text: '', headers: { 'retry-after': '10' } });
  });

  it('is answered when the server closes, and keeps it waiting for nothing', async () => {
    const room = await startRoom();
    const id = await withResults(room, '');
    const { answer } = await waiting(room, id, '?wait=60');
    await room.server.close(60_000);
    expect((await answer).status).toBe(200);
  });

  it('leaves nothing behind when its client goes', async () => {
    const room = await startRoom({ settings: { maxWatches: 1 } });
    const id = await withResults(room, '');
    const socket = connect(room.port, '127.0.0.1');
    socket.write(`GET ${pathOf(id, '?wait=60')} HTTP/1.1\r\nhost: a\r\nx-api-key: ${room.keys.k1a}\r\n`);
    socket.write('anthropic-version: 2023-06-01\r\n\r\n');
    while (room.pace.pendingCount === 0) await new Promise(setImmediate);
    socket.destroy();
    while (room.pace.pendingCount > 0) await new Promise(setImmediate);
    const { answer } = await waiting(room, id, '?wait=60');
    await room.pace.advance(60_000);
    expect((await answer).status).toBe(200);
  });

  it('does not wait where too many do', async () => {
    const room = await startRoom({ settings: { maxWatches: 1 } });
    const id = await withResults(room, '');
    const { answer } = await waiting(room, id, '?wait=60');
    expect((await ask(room, { path: pathOf(id, '?wait=60') })).headers['retry-after']).toBe('10');
    await room.pace.advance(60_000);
    await answer;
  });
});

describe('on a whole server', () => {
  const page = (server: WholeServer, id: string, query: string) => server.ask({ path: pathOf(id, query) });

  it('a cursor goes on after a restart, and the pages are the results file byte for byte', async () => {
    const server = await startWholeServer();
    const quick = Array.from({ length: 20 }, (_, i) => requestTaking(`quick-${i}`, 1000 + 100 * i));
    const slow = Array.from({ length: 20 }, (_, i) => requestTaking(`slow-${i}`, 600_000));
    const id = await server.create([...quick, ...slow]);
    expect((await page(server, id, '')).text).toBe('');
    await server.advance(30_000);
    const first = await page(server, id, '?limit=7');
    const second = await page(server, id, `?cursor=${String(first.headers['batchwright-cursor'])}&limit=6`);
    await server.restart();
    const third = await page(server, id, `?cursor=${String(second.headers['batchwright-cursor'])}`);
    expect(third.text.split('\n')).toHaveLength(8);
    expect(third.headers).not.toHaveProperty('batchwright-complete');
    const cursor = String(third.headers['batchwright-cursor']);
    const polling = page(server, id, `?cursor=${cursor}&wait=60`);
    await server.advance(3_600_000);
    let last = await polling;
    const texts = [first.text, second.text, third.text, last.text];
    while (last.headers['batchwright-complete'] === undefined) {
      last = await page(server, id, `?cursor=${String(last.headers['batchwright-cursor'])}&wait=1`);
      texts.push(last.text);
    }
    const file = await server.ask({ path: `/v1/messages/batches/${id}/results` });
    expect(texts.join('')).toBe(file.text);
    expect(file.text.trimEnd().split('\n')).toHaveLength(40);
    expect(new Set(file.text.match(/"custom_id":"[^"]+"/g)).size).toBe(40);
  });
});
