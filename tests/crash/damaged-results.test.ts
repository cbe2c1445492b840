import { open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, expectError, results } from '../harness/batches.ts';
import type { RawResponse } from '../harness/raw-http.ts';
import { createBatch, expectWhole, untilEnded } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.ts';
import { openHome, until, type Home, type ServerProcess } from './server-process.ts';

/** Results on a real disk that were cut or flipped by a byte: found, said, and never served as if they were whole. */
const REQUESTS = 300;

let home: Home;
let upstream: CountingUpstream;
beforeEach(async () => {
  home = await openHome();
  upstream = await startCountingUpstream(() => ({ padding: 2000 }));
});
afterEach(async () => {
  await home.close();
  await upstream.close();
});

const start = (): Promise<ServerProcess> => home.start(['--upstream', upstream.url, '--log-level', 'warn']);
const fileOf = ({ id }: MessageBatch, name: string): string => join(home.dataDir, 'batches', id, name);

async function startWithResults() {
  const server = await start();
  const batch = await createBatch(server, 'item', REQUESTS);
  await untilEnded(server, batch);
  const { bytes } = await server.client.get(`${BATCHES}/${batch.id}/results`);
  return { server, batch, whole: bytes };
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 0x20;
  await file.write(byte, 0, 1, at);
  await file.close();
}

/** The next download is refused or broken off, those after it are refused in words, and the log names the place. */
async function expectFound(server: ServerProcess, batch: MessageBatch, file: string): Promise<void> {
  const path = `${BATCHES}/${batch.id}/results`;
  const first: RawResponse | null = await server.client.get(path).catch(() => null);
  if (first !== null) expectError(first, 500, 'api_error');
  const second = await server.client.get(path);
  const { message } = expectError(second, 500, 'api_error').error;
  expect(message).toContain(batch.id);
  expect(message).toContain(file);
  await until('the log names the place', () => server.err().includes(`${file} of ${batch.id} is damaged`));
}

describe('results of a batch that has ended', () => {
  it.each(['the running server', 'the next start'])(
    'flipped by a byte are found by %s, and other batches are served',
    async (who) => {
      const { server: first, batch, whole } = await startWithResults();
      const other = await createBatch(first, 'other', 20);
      await untilEnded(first, other);
      if (who === 'the next start') {
        first.signal('SIGTERM');
        await first.ended;
      }
      await flip(fileOf(batch, 'results.jsonl'), Math.floor(whole.length / 2));
      const server = who === 'the next start' ? await start() : first;
      await expectFound(server, batch, 'results.jsonl');
      await expectWhole(server, upstream, other, 'other', 1);
      await expectWhole(server, upstream, await createBatch(server, 'after', 5), 'after', 1);
    },
  );

  it('that were cut at the end of a line are not served as fewer', async () => {
    const { server, batch, whole } = await startWithResults();
    await truncate(fileOf(batch, 'results.jsonl'), whole.lastIndexOf('\n', whole.length - 2) + 1);
    await expectFound(server, batch, 'results.jsonl');
  });

  it('whose checksums were flipped are not served either', async () => {
    const { server, batch } = await startWithResults();
    await flip(fileOf(batch, 'done.log'), 16 * 100 + 13);
    const path = `${BATCHES}/${batch.id}/results`;
    expect(await server.client.get(path).catch(() => null)).not.toMatchObject({ status: 200 });
    expectError(await server.client.get(path), 500, 'api_error');
  });
});

describe('results of a batch that was killed half done', () => {
  it('and flipped by a byte before the next start are never served, nor paid for again in silence', async () => {
    const first = await start();
    const batch = await createBatch(first, 'item', 3000);
    await until('results are durable', () => upstream.answeredCount > 1500);
    await first.kill();
    await flip(fileOf(batch, 'results.jsonl'), 5000);
    const server = await start();
    const path = `${BATCHES}/${batch.id}/results`;
    await until('it is found, or its row was answered again', async () => {
      const response = await server.client.get(path).catch(() => null);
      return server.err().includes('is damaged') || response?.status === 200;
    });
    if (server.err().includes('is damaged')) return;
    const rows = await results(server.client, batch.id);
    expect(new Set(rows.map((row) => row.custom_id)).size).toBe(3000);
    await expectWhole(server, upstream, batch, 'item', 2);
  });
});
