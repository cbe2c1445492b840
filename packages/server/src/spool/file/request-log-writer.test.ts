import type { BatchId } from '@batchwright/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { blocksOf, store, submission } from '../spool.fixture.ts';
import { REQUEST_BLOCK_BYTES, SpoolFullError, type Spool } from '../spool.ts';
import { openFileSpool } from './file-spool.ts';
import { SimulatedFiles } from './simulated-files.fixture.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const OTHER = 'msgbatch_01bbbbbbbbbbbbbbbbbbbbbb' as BatchId;
const DIRECTORY = `/spool/${BATCH}`;
const large = submission([`"${'x'.repeat(1.5 * REQUEST_BLOCK_BYTES)}"`]);
const small = submission(['1', '2']);

describe('a request log writer', () => {
  let files: SimulatedFiles;
  let spool: Spool;
  let modes: string[];
  beforeEach(() => {
    files = new SimulatedFiles();
    modes = [];
    const open = files.open.bind(files);
    files.open = (path, mode) => (modes.push(mode), open(path, mode));
    spool = openFileSpool('/spool', files);
  });

  test('syncs body and index, then the directory, then its parent, before it answers', async () => {
    await store(spool, BATCH, small);
    expect(
      files.effects.filter(({ type }) => type.startsWith('sync')).map(({ type, path }) => `${type} ${path}`),
    ).toEqual([
      `sync ${DIRECTORY}/body`,
      `sync ${DIRECTORY}/index`,
      `syncDirectory ${DIRECTORY}`,
      'syncDirectory /spool',
    ]);
    expect(files.openFiles).toBe(0);
  });

  test('writes the index after the last byte of the body', async () => {
    await store(spool, BATCH, large);
    const writes = files.effects.filter(({ type, path }) => type === 'write' && path.startsWith(DIRECTORY));
    const firstOfIndex = writes.findIndex(({ path }) => path.endsWith('/index'));
    expect(writes.slice(firstOfIndex).every(({ path }) => path.endsWith('/index'))).toBe(true);
  });

  test('goes past the page cache with a body of several blocks, and not with a small one', async () => {
    await store(spool, BATCH, large);
    expect(modes).toContain('direct');
    modes.length = 0;
    await store(spool, OTHER, small);
    expect(modes).not.toContain('direct');
  });

  test('pads the last block for the device and cuts the padding', async () => {
    await store(spool, BATCH, large);
    const ends = files.effects.flatMap((effect) =>
      effect.type === 'write' && effect.path.endsWith('/body') ? [effect.position + effect.bytes.length] : [],
    );
    expect(Math.max(...ends)).toBe(Math.ceil(large.body.length / 4096) * 4096);
    expect(files.contents.get(`${DIRECTORY}/body`)?.length).toBe(large.body.length);
  });

  test('asks a file system without direct writes once', async () => {
    files.takesDirect = false;
    await store(spool, BATCH, large);
    await store(spool, OTHER, large);
    expect(modes.filter((mode) => mode === 'direct')).toHaveLength(1);
    expect(Buffer.from(files.contents.get(`${DIRECTORY}/body`) ?? '').equals(Buffer.from(large.body))).toBe(true);
    expect(files.openFiles).toBe(0);
  });

  test('on a full disk rejects with SpoolFullError, stays failed, and leaves no trace when discarded', async () => {
    files.spaceBytes = REQUEST_BLOCK_BYTES + 1000;
    const writer = await spool.createRequestLog(BATCH);
    const [first, second] = blocksOf(large.body);
    await writer.append(first ?? new Uint8Array(0));
    await expect(writer.append(second ?? new Uint8Array(0))).rejects.toBeInstanceOf(SpoolFullError);
    await expect(writer.commit(large.index)).rejects.toBeInstanceOf(SpoolFullError);
    await writer.discard();
    expect(await spool.list()).toEqual([]);
    expect(files.contents.size).toBe(0);
    expect(files.openFiles).toBe(0);
  });

  test('on a disk with no room for the index leaves no trace either', async () => {
    files.spaceBytes = small.body.length + 10;
    const writer = await spool.createRequestLog(BATCH);
    await writer.append(small.body);
    await expect(writer.commit(small.index)).rejects.toBeInstanceOf(SpoolFullError);
    await writer.discard();
    expect(files.contents.size).toBe(0);
    expect(files.openFiles).toBe(0);
  });

  test('on a disk with no room for the plan leaves no trace either', async () => {
    files.spaceBytes = small.body.length + 2000;
    const writer = await spool.createRequestLog(BATCH);
    await writer.append(small.body);
    await expect(writer.commit(small.index, new Uint8Array(2000))).rejects.toBeInstanceOf(SpoolFullError);
    expect(files.openFiles).toBe(1);
    await writer.discard();
    expect(files.contents.size).toBe(0);
    expect(files.openFiles).toBe(0);
  });

  test('can be discarded while appends are in flight', async () => {
    const writer = await spool.createRequestLog(BATCH);
    const appends = blocksOf(large.body).map((block) => writer.append(block));
    await writer.discard();
    await Promise.all(appends);
    expect(files.contents.size).toBe(0);
    expect(files.openFiles).toBe(0);
  });

  test('that could not sync has not committed', async () => {
    files.onSync = (path) => {
      if (path.endsWith('/body')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const writer = await spool.createRequestLog(BATCH);
    await writer.append(small.body);
    await expect(writer.commit(small.index)).rejects.toMatchObject({ cause: { code: 'EIO' } });
  });
});
