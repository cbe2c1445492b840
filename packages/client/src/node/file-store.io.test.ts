import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JournalEntry } from '../journal/journal-entry.ts';
import { RunInUseError, StoreFullError } from '../store/run-store.ts';
import { runStoreSuite } from '../store/run-store.suite.ts';
import { openFileStore } from './file-store.ts';

const root = mkdtempSync(join(tmpdir(), 'batchwright-run-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let directories = 0;
const newDirectory = (): string => join(root, `run-${++directories}`, 'deeper');

const entry = (atMs: number): JournalEntry => ({ type: 'canceled', atMs });

runStoreSuite('a store in files', async () => {
  const directory = newDirectory();
  let store = await openFileStore(directory);
  return {
    store,
    async reopen() {
      await store.close();
      store = await openFileStore(directory);
      return store;
    },
    close: () => store.close(),
  };
});

describe('a journal in a file', () => {
  const kept = async (): Promise<string> => {
    const directory = newDirectory();
    const store = await openFileStore(directory);
    for (let i = 0; i < 3; i++) await store.appendJournal(entry(i));
    await store.close();
    return directory;
  };
  const journalOf = (directory: string): string => join(directory, 'journal.jsonl');

  test('loses a last line that is torn, wherever it is, and nothing else', async () => {
    const directory = await kept();
    const { size } = statSync(journalOf(directory));
    const whole = readFileSync(journalOf(directory));
    const lineBytes = size / 3;
    for (let cut = size - 1; cut >= size - lineBytes; cut--) {
      writeFileSync(journalOf(directory), whole);
      await truncate(journalOf(directory), cut);
      const store = await openFileStore(directory);
      expect(await store.readJournal()).toEqual([entry(0), entry(1)]);
      await store.appendJournal(entry(9));
      await store.close();
      const again = await openFileStore(directory);
      expect(await again.readJournal()).toEqual([entry(0), entry(1), entry(9)]);
      await again.close();
    }
  });

  test.each(['\0\0\0\0\0', '\0\0\0\0\n', '{"type":"sen\n', 'null\n'])('loses a last line that is %j', async (torn) => {
    const directory = await kept();
    await appendFile(journalOf(directory), torn);
    const store = await openFileStore(directory);
    expect(await store.readJournal()).toHaveLength(3);
    await store.close();
  });

  test('is not read past damage, which is said with its place, and the directory is free again', async () => {
    const directory = await kept();
    const lines = readFileSync(journalOf(directory), 'utf8').split('\n');
    await writeFile(journalOf(directory), [lines[0], '{"type":"can', lines[2], ''].join('\n'));
    await expect(openFileStore(directory)).rejects.toMatchObject({
      name: 'JournalDamageError',
      message: expect.stringMatching(/journal\.jsonl line 2 is damaged/) as string,
    });
    await writeFile(journalOf(directory), lines.join('\n'));
    await (await openFileStore(directory)).close();
  });
});

describe('a directory', () => {
  test('is one process’s at a time, and says whose', async () => {
    const directory = newDirectory();
    const store = await openFileStore(directory);
    const refused = await openFileStore(directory).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RunInUseError);
    expect(refused).toMatchObject({
      pid: process.pid,
      message: expect.stringMatching(`in use by process ${process.pid}, running since 20.*; wait until`) as string,
    });
    await store.close();
    await store.close();
    await (await openFileStore(directory)).close();
    expect(readdirSync(directory)).toEqual(['journal.jsonl']);
  });

  test('is given to one of many who want it at once', async () => {
    const directory = newDirectory();
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => openFileStore(directory)));
    const won = tries.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(won).toHaveLength(1);
    await won[0]?.close();
  });

  test.each([
    ['died', (): object => ({ pid: spawnSync('true').pid, birth: null })],
    ['has another process under its id now', (): object => ({ pid: process.pid, birth: 'another boot 17' })],
  ])('is taken over from a process that %s, by one of many who see it', async (_, holder) => {
    const directory = newDirectory();
    for (let round = 0; round < 10; round++) {
      await mkdir(join(directory, 'lock'), { recursive: true });
      const dead = { id: `dead-${round}`, host: hostname(), since: '2026-11-21T09:00:00.000Z', ...holder() };
      await writeFile(join(directory, 'lock', 'holder.json'), JSON.stringify(dead));
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => openFileStore(directory)));
      const won = tries.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(won).toHaveLength(1);
      for (const outcome of tries) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(RunInUseError);
      }
      await won[0]?.close();
    }
    expect(readdirSync(directory)).toEqual(['journal.jsonl']);
  });

  test('is taken over although a process died while it took it over', async () => {
    const directory = newDirectory();
    const dead = (id: string): string =>
      JSON.stringify({
        id,
        pid: spawnSync('true').pid,
        host: hostname(),
        since: '2026-11-21T09:00:00.000Z',
        birth: null,
      });
    for (const [lock, id] of [
      ['lock', 'first'],
      ['lock-first', 'second'],
      ['lock-first-second', 'third'],
    ] as const) {
      await mkdir(join(directory, lock), { recursive: true });
      await writeFile(join(directory, lock, 'holder.json'), dead(id));
    }
    await (await openFileStore(directory)).close();
    expect(readdirSync(directory)).toEqual(['journal.jsonl']);
  });

  test('of another machine’s process is left to it, with what helps', async () => {
    const directory = newDirectory();
    await mkdir(join(directory, 'lock'), { recursive: true });
    const holder = { id: 'far', pid: 17, host: 'elsewhere', since: '2026-11-21T09:00:00.000Z', birth: null };
    await writeFile(join(directory, 'lock', 'holder.json'), JSON.stringify(holder));
    await expect(openFileStore(directory)).rejects.toThrow(
      /process 17 on elsewhere.*or remove .*lock if that process is gone/,
    );
  });

  test('that cannot be made is said', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    await expect(openFileStore(join(file, 'run'))).rejects.toThrow(/making .*a-file\/run: ENOTDIR/);
  });
});

test('a process that is killed leaves everything it vouched for, and its directory', async () => {
  const directory = newDirectory();
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', APPEND_UNTIL_KILLED, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
    while (told.split('\n').length < 20 + round) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    const store = await openFileStore(directory);
    const last = (await store.readJournal()).at(-1);
    expect(last?.atMs).toBeGreaterThanOrEqual(told.split('\n').length - 2);
    const log = await store.openLog('results-0');
    const vouched = Buffer.from(await log.read(0, last?.type === 'downloaded' ? last.bytes : 0)).toString();
    const lines = vouched.split('\n').slice(0, -1);
    expect(lines.map((line) => line.replace(/ x*$/, ''))).toEqual(lines.map((_, i) => `line ${i}`));
    expect(lines).toHaveLength((last?.atMs ?? NaN) + 1);
    await log.close();
    await store.clear();
    await store.close();
  }
});

/** The built module, since this Node may not read TypeScript. */
const BUILT = JSON.stringify(new URL('../../dist/node/index.js', import.meta.url).href);
const APPEND_UNTIL_KILLED = `
  import { openFileStore } from ${BUILT};
  const store = await openFileStore(process.argv[1]);
  const log = await store.openLog('results-0');
  for (let number = 0; ; number++) {
    await log.append(Buffer.from('line ' + number + ' ' + 'x'.repeat((number * 37) % 5000) + '\\n'));
    await log.sync();
    await store.appendJournal({ type: 'downloaded', atMs: number, batch: 0, bytes: log.size });
    process.stdout.write(number + '\\n');
  }
`;

const disk = mkdtempSync(join(tmpdir(), 'batchwright-small-'));
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (isMounted) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

describe.runIf(isMounted)('on a full disk', () => {
  test('notes and appends are refused whole, nothing is lost, and they go on when there is room', async () => {
    const directory = join(disk, 'run');
    const store = await openFileStore(directory);
    onTestFinished(() => store.close());
    await store.appendJournal(entry(1));
    const log = await store.openLog('results-0');
    await log.append(Buffer.from('before\n'));
    await log.sync();
    const ballast = join(disk, 'ballast');
    await writeFile(ballast, Buffer.alloc(4 << 20)).catch(() => undefined);
    const full = await (async () => {
      for (;;) await log.append(new Uint8Array(300_000));
    })().catch((error: unknown) => error);
    expect(full).toBeInstanceOf(StoreFullError);
    expect(full).toMatchObject({
      message: expect.stringMatching(/^no space left while writing .*results-0\.jsonl; free/) as string,
    });
    const size = log.size;
    const long = { type: 'begun', format: 1, atMs: 2, identity: { text: 'x'.repeat(100_000) } } as const;
    await expect(store.appendJournal(long)).rejects.toBeInstanceOf(StoreFullError);
    expect(await store.readJournal()).toEqual([entry(1)]);
    rmSync(ballast);
    await store.appendJournal(long);
    await log.append(Buffer.from('after\n'));
    await log.sync();
    expect(log.size).toBe(size + 6);
    expect(Buffer.from(await log.read(0, 7)).toString()).toBe('before\n');
    expect(Buffer.from(await log.read(size, 6)).toString()).toBe('after\n');
    await log.close();
    await store.close();
    const again = await openFileStore(directory);
    expect(await again.readJournal()).toEqual([entry(1), long]);
    await again.close();
  });
});
