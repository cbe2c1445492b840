import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandProcess } from '../../packages/cli/src/command-process.fixture.ts';
import { createBatch, expectWhole } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.ts';
import { openHome, until, type Home, type ServerProcess } from './server-process.ts';

/** One owner of a data directory, however servers come at it, and one format that it has. */
let home: Home;
let upstream: CountingUpstream;
beforeEach(async () => {
  home = await openHome();
  upstream = await startCountingUpstream(() => ({ after: 5 }));
});
afterEach(async () => {
  await home.close();
  await upstream.close();
});

const options = (): readonly string[] => ['--upstream', upstream.url, '--concurrency', '4', '--log-level', 'warn'];

/** It ends by itself, with one line that says who has the directory. */
async function expectTurnedAway(command: CommandProcess, owner: ServerProcess): Promise<void> {
  expect(await command.ended).toBe(1);
  expect(command.err()).toMatch(/^batchwright: data directory \S+ is in use by process \d+, .*--data-dir.*\n$/);
  expect(command.err()).toContain(`process ${owner.pid},`);
}

describe('a second server on a data directory', () => {
  it('is told who has it and leaves, by whatever path it came, and the first goes on', async () => {
    const first = await home.start(options());
    const batch = await createBatch(first, 'item', 60);
    const link = join(home.dataDir, '..', 'link');
    await symlink(home.dataDir, link);
    await expectTurnedAway(home.spawn(options()), first);
    await expectTurnedAway(home.spawn([...options(), '--data-dir', link]), first);
    await expectWhole(first, upstream, batch, 'item', 1);
  });

  it('takes it in the instant in which the first is killed, and sends again only what was under way', async () => {
    const first = await home.start(options());
    const batch = await createBatch(first, 'item', 60);
    await until('it is under way', () => upstream.answeredCount > 10);
    const killed = first.kill();
    const second = await home.start(options());
    await killed;
    await expectWhole(second, upstream, batch, 'item', 2);
  });

  it('of several started in one instant one wins, and it alone calls the upstream', async () => {
    const first = await home.start(options());
    const batch = await createBatch(first, 'item', 60);
    await first.kill();
    const called = upstream.calls.length;
    const commands = Array.from({ length: 5 }, () => home.spawn(options()));
    const leaving = commands.map((command) => command.ended);
    await until('all but one have left', async () => (await endedOf(leaving)) === 4);
    const winner = commands.find((command) => command.err() === '' || command.out() !== '');
    const server = await home.listening(winner as CommandProcess);
    await expectWhole(server, upstream, batch, 'item', 2);
    expect(upstream.calls.length - called).toBeLessThanOrEqual(60);
    for (const command of commands.filter((one) => one !== winner)) await expectTurnedAway(command, server);
  });
});

async function endedOf(ends: readonly Promise<unknown>[]): Promise<number> {
  const pending = Symbol('pending');
  const states = await Promise.all(ends.map((end) => Promise.race([end, Promise.resolve(pending)])));
  return states.filter((state) => state !== pending).length;
}

describe('a data directory of another format', () => {
  const format = (): string => join(home.dataDir, 'format.json');

  it('of the future is refused in one line, and not a byte of it changes', async () => {
    const first = await home.start(options());
    const batch = await createBatch(first, 'item', 20);
    await expectWhole(first, upstream, batch, 'item', 1);
    first.signal('SIGTERM');
    await first.ended;
    const current = await readFile(format(), 'utf8');
    await writeFile(format(), '{"format":999}\n');
    const before = await contentsOf(home.dataDir);
    const command = home.spawn(options());
    expect(await command.ended).toBe(1);
    expect(command.err()).toMatch(
      /^batchwright: data directory \S+ has format 999, .* formats up to \d+; .*--data-dir\n$/,
    );
    expect(await contentsOf(home.dataDir)).toEqual(before);
    await writeFile(format(), current);
    await expectWhole(await home.start(options()), upstream, batch, 'item', 1);
  });

  it('whose name is cut is refused in one line that says what to do', async () => {
    const first = await home.start(options());
    await first.kill();
    await writeFile(format(), '{"form');
    const command = home.spawn(options());
    expect(await command.ended).toBe(1);
    expect(command.err()).toMatch(
      /^batchwright: \S+format\.json does not name a format; restore it from a backup.*\n$/,
    );
  });

  it('with batches and no format at all is not taken for a new one', async () => {
    await mkdir(home.dataDir, { recursive: true });
    await writeFile(join(home.dataDir, 'catalog.db'), 'something');
    const command = home.spawn(options());
    expect(await command.ended).toBe(1);
    expect(command.err()).toMatch(/format\.json is missing beside a catalog; restore it.*\n$/);
    expect(await readFile(join(home.dataDir, 'catalog.db'), 'utf8')).toBe('something');
  });
});

/** Every file below a directory but those that say who holds it, by path. */
async function contentsOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const kept = files.filter((file) => file.isFile() && !file.name.startsWith('lock'));
  const entries = kept.map(async (file): Promise<[string, string]> => {
    const path = join(file.parentPath, file.name);
    return [path, (await readFile(path)).toString('base64')];
  });
  return new Map((await Promise.all(entries)).toSorted(([a], [b]) => a.localeCompare(b)));
}
