import type { BatchId } from '@batchwright/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { chunkOf, resultLine, store, submission, textOf } from '../spool.fixture.ts';
import { SpoolFullError, type Spool } from '../spool.ts';
import { openFileSpool } from './file-spool.ts';
import { diskAfter, SimulatedFiles, type Disk } from './simulated-files.fixture.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const RESULTS = `/spool/${BATCH}/results.jsonl`;
const DONE = `/spool/${BATCH}/done.log`;

const failure = (code: string) => Object.assign(new Error(code), { code });
const succeeded = (request: number, text = 'text') => chunkOf([{ request, type: 'succeeded', text }]);
const lines = (...requests: number[]) => requests.map((i) => resultLine(`r-${i}`, 'succeeded', 'text')).join('');

describe('a results log', () => {
  let files: SimulatedFiles;
  let spool: Spool;
  let stored: Disk;
  beforeEach(async () => {
    files = new SimulatedFiles();
    spool = openFileSpool('/spool', files);
    await store(spool, BATCH, submission(['1', '2', '3', '4']));
    stored = new Map(files.contents);
    files.effects.length = 0;
  });
  const reopened = async (disk: Disk = files.contents) => {
    const next = new SimulatedFiles(disk);
    const log = await openFileSpool('/spool', next).openResultLog(BATCH, 0, 9);
    return { requests: [...log.settled.requests], text: Buffer.from(next.contents.get(RESULTS) ?? '').toString() };
  };

  test('writes the lines before the entries that name them, and syncs both before it answers', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    files.effects.length = 0;
    await log.commit(succeeded(0));
    expect(files.effects.map(({ type, path }) => `${type} ${path}`)).toEqual([
      `write ${RESULTS}`,
      `write ${DONE}`,
      `sync ${RESULTS}`,
      `sync ${DONE}`,
    ]);
  });

  test('shows no line before its sync is over', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    await log.commit(succeeded(0));
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    files.onSync = () => held;
    const committing = log.commit(succeeded(1));
    while (Buffer.from(files.contents.get(DONE) ?? '').length < 5 * 16) await new Promise(setImmediate);
    expect(await textOf(await spool.readResults(BATCH))).toBe(lines(0, 1));
    expect(await textOf(await spool.readDurableResults(BATCH))).toBe(lines(0));
    goOn();
    await committing;
    expect(await textOf(await spool.readDurableResults(BATCH))).toBe(lines(0, 1));
  });

  test('shows of a log that nobody has opened yet only what its markers prove', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    await log.commit(succeeded(0));
    await log.commit(succeeded(1));
    const torn = new SimulatedFiles(files.contents);
    const next = openFileSpool('/spool', torn);
    expect(await textOf(await next.readDurableResults(BATCH))).toBe(lines(0));
    await next.openResultLog(BATCH, 0, 2);
    expect(await textOf(await next.readDurableResults(BATCH))).toBe(lines(0, 1));
  });

  test('makes the names of its files durable before the first commit', async () => {
    await spool.openResultLog(BATCH, 0, 1);
    expect(files.effects.at(-1)).toEqual({ type: 'syncDirectory', path: `/spool/${BATCH}` });
  });

  test('on a full disk rejects with SpoolFullError and its cause, and keeps what was durable', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    await log.commit(succeeded(0));
    files.spaceBytes = 10;
    const error = await log.commit(succeeded(1)).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(SpoolFullError);
    expect((error as SpoolFullError).cause).toMatchObject({ code: 'ENOSPC' });
    expect(await reopened()).toEqual({ requests: [0], text: lines(0) });
  });

  test.each([0, 10, 60, 70, 90])(
    'takes the same commit once there is space again (full after %i bytes)',
    async (space) => {
      const log = await spool.openResultLog(BATCH, 0, 1);
      await log.commit(succeeded(0));
      files.spaceBytes = space;
      await expect(log.commit(succeeded(1))).rejects.toBeInstanceOf(SpoolFullError);
      await expect(log.commit(succeeded(1))).rejects.toBeInstanceOf(SpoolFullError);
      files.spaceBytes = Infinity;
      expect(await log.commit(succeeded(2))).toBe('written');
      expect(await log.commit(succeeded(1))).toBe('written');
      expect(await textOf(await spool.readResults(BATCH))).toBe(lines(0, 2, 1));
      expect(await reopened()).toEqual({ requests: [0, 2, 1], text: lines(0, 2, 1) });
    },
  );

  test.each([RESULTS, DONE])(
    'after a failed sync of %s writes through fresh descriptors, from the last good end',
    async (failing) => {
      const log = await spool.openResultLog(BATCH, 0, 1);
      await log.commit(succeeded(0));
      files.onSync = (path) => {
        if (path === failing) throw failure('EIO');
      };
      await expect(log.commit(succeeded(1))).rejects.toMatchObject({ cause: { code: 'EIO' } });
      files.onSync = () => undefined;
      files.effects.length = 0;
      expect(await log.commit(succeeded(2))).toBe('written');
      const types = files.effects.filter(({ path }) => path === failing).map(({ type }) => type);
      // Cut, the page that the failed sync shared with good bytes written and synced again, and only then the commit.
      expect(types).toEqual(['truncate', 'write', 'sync', 'write', 'sync']);
      await log.close();
      expect(files.openFiles).toBe(0);
      expect(await reopened()).toEqual({ requests: [0, 2], text: lines(0, 2) });
    },
  );

  test('does not sync again on the descriptors whose sync failed', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    const open = files.open.bind(files);
    let opened = 0;
    files.open = (path, mode) => (opened++, open(path, mode));
    files.onSync = () => {
      throw failure('EIO');
    };
    await expect(log.commit(succeeded(1))).rejects.toThrow();
    await expect(log.commit(succeeded(1))).rejects.toThrow();
    expect(opened).toBe(2);
    await expect(log.commit(succeeded(1))).rejects.toThrow();
    expect(opened).toBe(4);
  });

  test('tells how long its last sync took', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    expect(log.lastSyncSeconds).toBe(0);
    await log.commit(succeeded(1));
    expect(log.lastSyncSeconds).toBeGreaterThan(0);
  });

  test('refuses a second commit while one is in flight', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    const first = log.commit(succeeded(1));
    await expect(log.commit(succeeded(2))).rejects.toThrow(/one at a time/);
    expect(await first).toBe('written');
  });

  test('lets a commit in flight finish before the next owner reads', async () => {
    const former = await spool.openResultLog(BATCH, 0, 1);
    const commit = former.commit(succeeded(1));
    const owner = await spool.openResultLog(BATCH, 0, 2);
    expect(await commit).toBe('written');
    expect([...owner.settled.requests]).toEqual([1]);
  });

  test('opened twice at once has one owner', async () => {
    const [first, second] = await Promise.all([spool.openResultLog(BATCH, 0, 1), spool.openResultLog(BATCH, 0, 2)]);
    expect(await first.commit(succeeded(1))).toBe('lost');
    expect(await second.commit(succeeded(1))).toBe('written');
  });

  test('survives a crash between a failed commit and its mending', async () => {
    const log = await spool.openResultLog(BATCH, 0, 1);
    await log.commit(succeeded(0));
    files.spaceBytes = 30;
    await expect(log.commit(succeeded(1))).rejects.toThrow();
    for (let count = 0; count <= files.effects.length; count++) {
      const { text } = await reopened(diskAfter(stored, files.effects.slice(0, count)));
      expect([lines(0), '']).toContain(text);
    }
  });
});
