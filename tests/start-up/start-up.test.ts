import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROBE = fileURLToPath(new URL('./probe.mjs', import.meta.url));

interface Loaded {
  readonly files: readonly { readonly name: string; readonly isCompiled: boolean }[];
  readonly packages: readonly string[];
  readonly ofNode: readonly string[];
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
  });

  it('loads no package but the catalog’s SQLite before it listens', () => {
    expect(loaded.packages.filter((name) => !BELONGS_TO_SQLITE.has(name))).toEqual([]);
  });

  it('loads no module of Node that can wait until somebody calls', () => {
    expect(loaded.ofNode).toContain('http');
    expect(loaded.ofNode.filter((name) => CAN_WAIT.has(name))).toEqual([]);
  });
});

const CAN_WAIT = new Set(['crypto', 'perf_hooks', 'worker_threads', 'https', 'tls', 'readline', 'repl', 'inspector']);
const BELONGS_TO_SQLITE = new Set(['@photostructure/sqlite', 'node-gyp-build']);

async function whatIsLoaded(dataDirectory: string): Promise<Loaded> {
  const env = { PATH: process.env['PATH'] };
  const child = spawn(process.execPath, [PROBE, '--data-dir', dataDirectory], {
    cwd: dataDirectory,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout)) as Loaded;
}
