import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDataDirectory } from './data-directory.ts';
import { bringToCurrentFormat, DataDirectoryTooNewError } from './data-format.ts';
import { DataDirectoryHeldError } from './data-lock.ts';

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'batchwright-data-'));
  path = join(root, 'deep', 'data');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const modeOf = async (name: string) => (await stat(name)).mode & 0o777;
const formatOf = async () => JSON.parse(await readFile(join(path, 'format.json'), 'utf8'));

describe('a data directory', () => {
  test('is made where there is none, for its owner alone', async () => {
    const directory = await openDataDirectory(path);
    expect(directory).toMatchObject({
      path,
      catalogFile: join(path, 'catalog.db'),
      batchesDirectory: join(path, 'batches'),
    });
    expect(await modeOf(path)).toBe(0o700);
    expect(await modeOf(directory.batchesDirectory)).toBe(0o700);
    expect(await formatOf()).toEqual({ format: 2 });
    await directory.close();
  });

  test('can be opened again after it was closed', async () => {
    await (await openDataDirectory(path)).close();
    const again = await openDataDirectory(path);
    await again.close();
    await again.close();
  });

  test('that is held says by whom, and what to do', async () => {
    const directory = await openDataDirectory(path);
    const refusal = openDataDirectory(path);
    await expect(refusal).rejects.toBeInstanceOf(DataDirectoryHeldError);
    await expect(refusal).rejects.toMatchObject({ pid: process.pid });
    await expect(refusal).rejects.toThrow(
      new RegExp(
        `^data directory ${path} is in use by process ${process.pid}, running since .*; stop that server, or `,
      ),
    );
    await directory.close();
  });

  test('is not held by the name that a dead process left behind', async () => {
    await (await openDataDirectory(path)).close();
    // This very process, as an earlier life of a container with the same process id would have written it.
    const stale = { pid: process.pid, host: 'elsewhere', startedAt: '2020-01-01T00:00:00.000Z' };
    await writeFile(join(path, 'lock'), JSON.stringify(stale));
    const directory = await openDataDirectory(path);
    expect(JSON.parse(await readFile(join(path, 'lock'), 'utf8')).host).not.toBe('elsewhere');
    await directory.close();
  });

  test('that cannot be made says so', async () => {
    await writeFile(join(root, 'deep'), 'a file');
    await expect(openDataDirectory(path)).rejects.toThrow(
      new RegExp(`^cannot make the data directory ${path} \\((?:EEXIST|ENOTDIR)\\); choose`),
    );
  });
});

describe('the format of a data directory', () => {
  beforeEach(() => mkdir(path, { recursive: true }));

  test('that is newer is refused in one line, and the directory is given up', async () => {
    await writeFile(join(path, 'format.json'), '{"format":3}');
    const refusal = openDataDirectory(path);
    await expect(refusal).rejects.toBeInstanceOf(DataDirectoryTooNewError);
    await expect(refusal).rejects.toThrow(/^data directory .* has format 3, and .* up to 2; run the newer [^\n]*$/);
    await writeFile(join(path, 'format.json'), '{"format":1}');
    await (await openDataDirectory(path)).close();
  });

  test.each(['', 'null', '{}', '{"format":"1"}', '{"format":1.5}'])(
    'that cannot be read is an error: %j',
    async (text) => {
      await writeFile(join(path, 'format.json'), text);
      await expect(openDataDirectory(path)).rejects.toThrow(/does not name a format/);
    },
  );

  test('that is missing beside a catalog is an error', async () => {
    await writeFile(join(path, 'catalog.db'), '');
    await expect(openDataDirectory(path)).rejects.toThrow(/missing beside a catalog/);
  });

  test('moves step by step, each step once', async () => {
    const steps: number[] = [];
    const step = (from: number) => ({ from, run: async () => void steps.push(from) });
    await bringToCurrentFormat(path, []);
    await bringToCurrentFormat(path, [step(1), step(2)]);
    expect(steps).toEqual([1, 2]);
    expect(await formatOf()).toEqual({ format: 3 });
    await bringToCurrentFormat(path, [step(1), step(2), step(3)]);
    expect(steps).toEqual([1, 2, 3]);
    expect(await formatOf()).toEqual({ format: 4 });
  });

  test('of a new directory is the current one, without any step', async () => {
    await bringToCurrentFormat(path, [{ from: 1, run: () => Promise.reject(new Error('nothing to migrate')) }]);
    expect(await formatOf()).toEqual({ format: 2 });
  });

  test('stays at the last step that was completed', async () => {
    await bringToCurrentFormat(path, []);
    const failing = { from: 2, run: () => Promise.reject(new Error('no')) };
    await expect(bringToCurrentFormat(path, [{ from: 1, run: async () => undefined }, failing])).rejects.toThrow('no');
    expect(await formatOf()).toEqual({ format: 2 });
  });
});

describe('several processes', () => {
  /** The room compiled to JavaScript, since Node may be too old to run the sources. */
  let compiled: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    compiled = await mkdtemp(join(tmpdir(), 'batchwright-compiled-'));
    const source = fileURLToPath(new URL('..', import.meta.url));
    const require = createRequire(import.meta.url);
    const modules = dirname(dirname(require.resolve('typescript/package.json')));
    const options = '--module nodenext --target es2023 --rewriteRelativeImportExtensions --skipLibCheck --types node';
    const compiler = spawnSync(
      process.execPath,
      [join(modules, 'typescript', 'bin', 'tsc'), ...options.split(' '), '--ignoreConfig']
        .concat('--typeRoots', join(modules, '@types'), '--rootDir', source, '--outDir', compiled)
        .concat(join(source, 'runtime', 'data-directory.ts')),
      { encoding: 'utf8' },
    );
    if (compiler.status !== 0) throw new Error(compiler.stdout + compiler.stderr);
    await writeFile(join(compiled, 'package.json'), '{"type":"module"}');
    await symlink(modules, join(compiled, 'node_modules'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  });
  afterAll(() => rm(compiled, { recursive: true, force: true }));

  /** Starts an owner; resolves with the line it says once it has won or lost. A winner stays until it is killed. */
  async function start(): Promise<{ child: ChildProcess; line: string }> {
    const script = `
      const { openDataDirectory } = await import(${JSON.stringify(join(compiled, 'runtime', 'data-directory.js'))});
      try {
        await openDataDirectory(${JSON.stringify(path)});
        console.log('won');
        setInterval(() => {}, 1000);
      } catch (error) {
        console.log(error.name + ' ' + error.pid);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return { child, line };
  }

  // A process of its own, since this once went on for ever without letting anything else have a turn.
  test.runIf(existsSync('/proc/self'))('that cannot have a directory where they want it end', async () => {
    path = '/proc/nowhere/data';
    expect((await start()).line).toBe('Error undefined');
  });

  test('that start at once on a new directory: exactly one wins, and the others name it', async () => {
    const started = await Promise.all(Array.from({ length: 5 }, start));
    const winners = started.filter(({ line }) => line === 'won');
    expect(winners).toHaveLength(1);
    for (const { line } of started) {
      if (line !== 'won') expect(line).toBe(`DataDirectoryHeldError ${winners[0]?.child.pid}`);
    }
  });

  test('that start at once after the owner was killed: exactly one wins, and the others name it', async () => {
    const former = await start();
    expect(former.line).toBe('won');
    former.child.kill('SIGKILL');
    await once(former.child, 'exit');
    const started = await Promise.all(Array.from({ length: 5 }, start));
    const winners = started.filter(({ line }) => line === 'won');
    expect(winners).toHaveLength(1);
    for (const { line } of started) {
      if (line !== 'won') expect(line).toBe(`DataDirectoryHeldError ${winners[0]?.child.pid}`);
    }
  });
});
