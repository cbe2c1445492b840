import { RESULT_TYPES, type BatchId } from '@batchwright/protocol';
import { expect, test } from 'vitest';
import { chunkOf, store, submission, textOf } from '../spool.fixture.ts';
import type { ResultReader } from '../spool.ts';
import { openFileSpool } from './file-spool.ts';
import { SimulatedFiles } from './simulated-files.fixture.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const DONE = `/spool/${BATCH}/done.log`;
const REQUESTS = 10_000;
const PER_COMMIT = 50;

/** More entries than a reader holds at a time, in three stretches and a part of one. */
async function largeBatch() {
  const files = new SimulatedFiles();
  const spool = openFileSpool('/spool', files);
  await store(spool, BATCH, submission(Array.from({ length: REQUESTS }, () => '1')));
  const log = await spool.openResultLog(BATCH, 0, 1);
  const commit = async (from: number) => {
    const rows = Array.from({ length: PER_COMMIT }, (_, i) => ({ request: from + i, type: RESULT_TYPES[i % 4]! }));
    await log.commit(chunkOf(rows));
  };
  return { files, spool, log, commit };
}

/** How often and how much of the done log was read. */
function watchReads(files: SimulatedFiles) {
  const open = files.open.bind(files);
  const reads: number[] = [];
  files.open = async (path, mode) => {
    const file = await open(path, mode);
    if (path !== DONE) return file;
    return { ...file, read: (target, position) => (reads.push(target.length), file.read(target, position)) };
  };
  return reads;
}

test('readers of a log that grows walk each entry of its done log once, and hold 64 KB of it', async () => {
  const { files, spool, commit, log } = await largeBatch();
  const reads = watchReads(files);
  for (let from = 0; from < REQUESTS; from += PER_COMMIT) {
    await commit(from);
    await (await spool.readDurableResults(BATCH))?.close();
  }
  const entries = REQUESTS + REQUESTS / PER_COMMIT;
  const walked = reads.filter((bytes) => bytes > 16).reduce((sum, bytes) => sum + bytes, 0);
  expect(walked).toBe(entries * 16);
  reads.length = 0;
  const text = await textOf(await spool.readDurableResults(BATCH));
  expect(text?.split('\n')).toHaveLength(REQUESTS + 1);
  expect(Math.max(...reads)).toBe(4096 * 16);
  await log.close();
});

test('a reader goes back and forth, and lines of any stretch match', async () => {
  const { spool, commit, log } = await largeBatch();
  for (let from = 0; from < REQUESTS; from += PER_COMMIT) await commit(from);
  await log.close();
  const text = (await textOf(await spool.readResults(BATCH))) ?? '';
  const reader = (await spool.readResults(BATCH, { despiteDamage: true })) as ResultReader;
  for (const share of [0.99, 0, 0.5, 0.51, 0.1, 0.9]) {
    const part = new Uint8Array(1000);
    const from = Math.floor(share * text.length);
    const count = await reader.read(part, from);
    expect(Buffer.from(part.subarray(0, count)).toString()).toBe(text.slice(from, from + count));
  }
  await reader.close();
});

test('results that were read whole are read without their done log the next time', async () => {
  const { files, spool, commit, log } = await largeBatch();
  for (let from = 0; from < REQUESTS; from += PER_COMMIT) await commit(from);
  await log.close();
  const reads = watchReads(files);
  const first = await textOf(await spool.readResults(BATCH));
  expect(reads.length).toBeGreaterThan(0);
  reads.length = 0;
  expect(await textOf(await spool.readResults(BATCH))).toBe(first);
  expect(reads).toEqual([]);
});
