/** A disk that is really full: a small file system in memory, where the machine lets us mount one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BatchId } from '@batchwright/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { blocksOf, chunkOf, store, submission, textOf } from '../spool.fixture.ts';
import { SpoolFullError } from '../spool.ts';
import { openFileSpool } from './file-spool.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const OTHER = 'msgbatch_01bbbbbbbbbbbbbbbbbbbbbb' as BatchId;

const root = mkdtempSync(join(tmpdir(), 'batchwright-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', root]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [root]);
  rmSync(root, { recursive: true, force: true });
});

describe.runIf(mounted)('on a full file system', () => {
  test('a body that does not fit is refused and leaves no trace', async () => {
    const spool = openFileSpool(root);
    const large = submission([`"${'x'.repeat(7 * 1024 * 1024)}"`]);
    const writer = await spool.createRequestLog(BATCH);
    const outcomes = await Promise.allSettled(blocksOf(large.body).map((block) => writer.append(block)));
    expect(outcomes.map(({ status }) => status)).toContain('rejected');
    await expect(writer.commit(large.index)).rejects.toBeInstanceOf(SpoolFullError);
    await writer.discard();
    expect(await readdir(root)).toEqual([]);
  });

  test('results that do not fit are refused, and fit once there is room again', async () => {
    const spool = openFileSpool(root);
    await store(spool, BATCH, submission(['1', '2', '3']));
    await store(spool, OTHER, submission([`"${'x'.repeat(4 * 1024 * 1024)}"`]));
    const log = await spool.openResultLog(BATCH, 0, 1);
    const first = chunkOf([{ request: 0, type: 'succeeded' }]);
    const large = chunkOf([{ request: 1, type: 'succeeded', text: 'x'.repeat(3 * 1024 * 1024) }]);
    await log.commit(first);
    await expect(log.commit(large)).rejects.toBeInstanceOf(SpoolFullError);
    await spool.remove(OTHER);
    expect(await log.commit(large)).toBe('written');
    const text = await textOf(await spool.readResults(BATCH));
    expect(text === Buffer.concat([first.lines, large.lines]).toString()).toBe(true);
    await log.close();
    const again = await spool.openResultLog(BATCH, 0, 2);
    expect([...again.settled.requests]).toEqual([0, 1]);
    await again.close();
  });
});
