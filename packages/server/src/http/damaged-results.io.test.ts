import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openFileSpool } from '../spool/file/file-spool.ts';
import { chunkOf, store, submission } from '../spool/spool.fixture.ts';
import { ask, startRoom, type TestRoom } from './http.fixture.ts';

const COUNT = 40;
/** Lines of a hundred kilobytes: the whole is several times what a download holds. */
const TEXT = 'x'.repeat(100_000);

/** An ended batch whose results lie in real files, and what a client may ask of it. */
async function endedBatch() {
  const root = await mkdtemp(join(tmpdir(), 'batchwright-damage-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  let met = 0;
  const spool = openFileSpool(root, undefined, () => void met++);
  const room = await startRoom({ services: { spool } });
  const { id } = await room.addBatch(room.workspaces.w1, 'ended');
  await store(spool, id, submission(Array.from({ length: COUNT }, (_, i) => `{"n":${i}}`)));
  const log = await spool.openResultLog(id, 0, 1);
  const rows = Array.from({ length: COUNT }, (_, request) => ({ request, type: 'succeeded' as const, text: TEXT }));
  await log.commit(chunkOf(rows.slice(0, 25)));
  await log.commit(chunkOf(rows.slice(25)));
  await log.close();
  const file = join(root, id, 'results.jsonl');
  return {
    room,
    file,
    done: join(root, id, 'done.log'),
    whole: await readFile(file, 'utf8'),
    path: `/v1/messages/batches/${id}/results`,
    pages: `/ext/v1/batches/${id}/results`,
    request: (customId: string) => `/ext/v1/batches/${id}/requests/${customId}`,
    id,
    met: () => met,
  };
}

async function flip(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  const byte = new Uint8Array(1);
  await handle.read(byte, 0, 1, at);
  await handle.write(Uint8Array.of((byte[0] ?? 0) ^ 1), 0, 1, at);
  await handle.close();
}

it('a download of results in which a byte was flipped breaks off before its end, and the next is refused', async () => {
  const { room, file, path, id, whole, met } = await endedBatch();
  const line = Math.floor(whole.length / COUNT);
  await flip(file, 30 * line + 500);
  const first = await download(room, path);
  expect(first).toMatchObject({ status: 200, isComplete: false });
  expect(first.bytes).toBeLessThan(whole.length);
  for (const method of ['GET', 'HEAD']) {
    const next = await ask(room, { method, path });
    expect(next.status).toBe(500);
    if (method === 'GET') {
      const message = expect.stringMatching(
        new RegExp(`^What is stored of Message Batch ${id} is damaged \\(results\\.jsonl, byte \\d+\\), and is not`),
      );
      expect(next.body).toMatchObject({ type: 'error', error: { type: 'api_error', message } });
    }
  }
  expect(met()).toBe(1);
});

it.each([1, 50_000, 3_000_000])('results that lack their last %i bytes are refused before the first', async (bytes) => {
  const { room, file, path, whole } = await endedBatch();
  await truncate(file, whole.length - bytes);
  expect((await ask(room, { path })).body).toMatchObject({ error: { type: 'api_error' } });
  expect((await ask(room, { method: 'HEAD', path })).status).toBe(500);
});

it.each([0, 20, 100, 500])('results whose done log is damaged at byte %i are refused', async (at) => {
  const { room, done, path, request } = await endedBatch();
  await flip(done, at);
  const message = expect.stringContaining('(done.log, byte');
  expect((await ask(room, { path })).body).toMatchObject({ error: { type: 'api_error', message } });
  expect((await ask(room, { path: request('r-39') })).status).toBe(500);
});

it('results that were put back from a backup are served again', async () => {
  const { room, file, path, whole } = await endedBatch();
  await flip(file, 1000);
  expect((await download(room, path)).isComplete).toBe(false);
  await writeFile(file, whole);
  expect(await download(room, path)).toEqual({ status: 200, isComplete: true, bytes: whole.length });
});

it('of damaged results the others can still be read one by one, and as far as the damage by pages', async () => {
  const { room, file, pages, request, whole } = await endedBatch();
  const line = Math.floor(whole.length / COUNT);
  await flip(file, 30 * line + 500);
  const states = await Promise.all(
    ['r-0', 'r-29', 'r-30', 'r-31', 'r-39'].map(async (customId) => {
      const { status, text } = await ask(room, { path: request(customId) });
      return [customId, status, text.includes(TEXT)];
    }),
  );
  expect(states).toEqual([
    ['r-0', 200, true],
    ['r-29', 200, true],
    ['r-30', 500, false],
    ['r-31', 200, true],
    ['r-39', 200, true],
  ]);
  const page = await ask(room, { path: `${pages}?limit=20` });
  expect(page.text).toBe(whole.slice(0, page.text.length));
  expect(page.text.split('\n')).toHaveLength(21);
  const next = await ask(room, { path: `${pages}?limit=20&cursor=${String(page.headers['batchwright-cursor'])}` });
  expect(next).toMatchObject({ status: 500, body: { error: { type: 'api_error' } } });
});

it('an index or body that is damaged is said, and none of its requests is shown', async () => {
  const { room, file, request } = await endedBatch();
  const body = file.replace('results.jsonl', 'body');
  await truncate(body, 100);
  const message = expect.stringContaining('(body, byte 100)');
  expect((await ask(room, { path: request('r-0') })).body).toMatchObject({ error: { type: 'api_error', message } });
  await flip(file.replace('results.jsonl', 'index'), 40);
  expect((await ask(room, { path: request('r-0') })).body).toMatchObject({
    error: { type: 'api_error', message: expect.stringContaining('(index)') },
  });
});

/** What became of a download: whether all that was announced came. */
function download(room: TestRoom, path: string): Promise<{ status: number; isComplete: boolean; bytes: number }> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': room.keys.k1a, 'anthropic-version': '2023-06-01' };
    const request = httpRequest({ port: room.port, path, headers, agent: false }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      const settle = () => resolve({ status: response.statusCode ?? 0, isComplete: response.complete, bytes });
      response.once('end', settle).once('error', settle);
    });
    request.on('error', reject).end();
  });
}
