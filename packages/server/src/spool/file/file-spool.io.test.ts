import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BatchId } from '@batchwright/protocol';
import { store, submission } from '../spool.fixture.ts';
import { spoolSuite } from '../spool.suite.ts';
import { openFileSpool } from './file-spool.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;

async function freshDirectory() {
  const root = await mkdtemp(join(tmpdir(), 'batchwright-spool-'));
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}

spoolSuite('file spool', async () => {
  const { root, remove } = await freshDirectory();
  const spools = [openFileSpool(root)];
  const [spool] = spools as [ReturnType<typeof openFileSpool>];
  return {
    spool,
    async reopen() {
      const next = openFileSpool(root);
      spools.push(next);
      return next;
    },
    async close() {
      for (const opened of spools) await opened.close();
      await remove();
    },
  };
});

test('a body written past the page cache has its own length and no padding', async () => {
  const { root, remove } = await freshDirectory();
  const spool = openFileSpool(root);
  const large = submission([`"${'x'.repeat(9_000_001)}"`]);
  const writer = await spool.createRequestLog(BATCH);
  // WebAssembly memory is page-aligned, as the ring of intake is.
  const { Memory } = (
    globalThis as unknown as { WebAssembly: { Memory: new (o: { initial: number }) => { buffer: ArrayBuffer } } }
  ).WebAssembly;
  const memory = new Uint8Array(new Memory({ initial: 64 * 3 }).buffer);
  memory.set(large.body);
  const block = 4 * 1024 * 1024;
  for (let start = 0; start < large.body.length; start += block) {
    await writer.append(memory.subarray(start, Math.min(start + block, large.body.length)));
  }
  await writer.commit(large.index);
  expect((await stat(join(root, BATCH, 'body'))).size).toBe(large.body.length);
  const log = await spool.openRequestLog(BATCH);
  expect(Buffer.from(await log.readParams(0)).equals(Buffer.from(large.params[0] ?? ''))).toBe(true);
  await log.close();
  await remove();
});

test('a thousand open bodies read less ahead than one, so that memory suffices for all', async () => {
  const { root, remove } = await freshDirectory();
  const spool = openFileSpool(root);
  await store(spool, BATCH, submission(Array.from({ length: 200 }, () => `"${'x'.repeat(10_000)}"`)));
  const opened = () => spool.openRequestLog(BATCH);
  const atHand = async (): Promise<number> => {
    const log = await opened();
    await log.readParams(0);
    const count = Array.from({ length: 200 }, (_, i) => log.peekParams(i)).filter((params) => params !== null).length;
    await log.close();
    return count;
  };
  expect(await atHand()).toBe(104);
  const others = await Promise.all(Array.from({ length: 1000 }, opened));
  expect(await atHand()).toBe(1);
  for (const log of others) await log.close();
  expect(await atHand()).toBe(104);
  await remove();
});

test('only its owner may read what a client sent', async () => {
  const { root, remove } = await freshDirectory();
  const spool = openFileSpool(root);
  await store(spool, BATCH, submission(['1']));
  expect((await stat(join(root, BATCH))).mode & 0o077).toBe(0);
  expect((await stat(join(root, BATCH, 'body'))).mode & 0o077).toBe(0);
  await remove();
});

test('a body that is shorter than its index says is not read', async () => {
  const { root, remove } = await freshDirectory();
  const spool = openFileSpool(root);
  await store(spool, BATCH, submission(['1']));
  await writeFile(join(root, BATCH, 'body'), '{"requests":');
  await expect(spool.openRequestLog(BATCH)).rejects.toMatchObject({
    name: 'StoredDamageError',
    place: { batchId: BATCH, file: 'body', byte: 12 },
  });
  await remove();
});

test('names in the directory that are no batch are left alone', async () => {
  const { root, remove } = await freshDirectory();
  await writeFile(join(root, 'lost+found'), '');
  expect(await openFileSpool(root).list()).toEqual([]);
  await remove();
});
