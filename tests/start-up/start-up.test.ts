import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROBE = fileURLToPath(new URL('./probe.mjs', import.meta.url));
const HALF_DONE = fileURLToPath(new URL('./half-done.mjs', import.meta.url));

interface Loaded {
  readonly files: readonly { readonly name: string; readonly isCompiled: boolean }[];
  readonly packages: readonly string[];
  readonly ofNode: readonly string[];
  /** Of all these files, as V8 writes it: what the build had compiled, and what was compiled since. */
  readonly keptBytes: number;
  readonly compiledBytes: number;
}

/** A start is counted in what it loads; its milliseconds are the bench's (P11). */
describe('a start of the server', () => {
  let directory: string;
  let loaded: Loaded;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'batchwright-start-'));
    // The first makes a key, and loads for that what a start on a directory with a key does without.
    await whatIsLoaded(directory);
    loaded = await whatIsLoaded(directory);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('reads few files', () => {
    expect(loaded.files.length).toBeGreaterThan(0);
    expect(loaded.files.length).toBeLessThanOrEqual(12);
  });

  it('compiles nothing that the build has compiled', () => {
    expect(loaded.files.filter(({ isCompiled }) => !isCompiled)).toEqual([]);
    expect(loaded.compiledBytes).toBeLessThan(loaded.keptBytes * NEXT_TO_NOTHING);
  });

  it('compiles next to nothing either when it recovers a batch', async () => {
    const halfDone = join(directory, 'half-done');
    await mkdir(halfDone);
    await promisify(execFile)(process.execPath, [HALF_DONE, halfDone], { env: BARE });
    const { files, keptBytes, compiledBytes } = await whatIsLoaded(halfDone);
    expect(files.filter(({ isCompiled }) => !isCompiled)).toEqual([]);
    expect(compiledBytes).toBeLessThan(keptBytes * NEXT_TO_NOTHING);
  });

  it('loads no package but the catalog’s SQLite before it listens', () => {
    expect(loaded.packages.filter((name) => !BELONGS_TO_SQLITE.has(name))).toEqual([]);
  });

  it('loads no module of Node that can wait until somebody calls', () => {
    expect(loaded.ofNode).toContain('http');
    expect(loaded.ofNode.filter((name) => CAN_WAIT.has(name))).toEqual([]);
  });
});

/** Of what was kept. A recovery that the build had not run compiled 0.15 of it; one that it has run compiles nothing. */
const NEXT_TO_NOTHING = 0.02;
const BARE = { PATH: process.env['PATH'] };
const CAN_WAIT = new Set(['crypto', 'perf_hooks', 'worker_threads', 'https', 'tls', 'readline', 'repl', 'inspector']);
const BELONGS_TO_SQLITE = new Set(['@photostructure/sqlite', 'node-gyp-build']);

async function whatIsLoaded(dataDirectory: string): Promise<Loaded> {
  const child = spawn(process.execPath, [PROBE, '--data-dir', dataDirectory], {
    cwd: dataDirectory,
    env: BARE,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout)) as Loaded;
}
