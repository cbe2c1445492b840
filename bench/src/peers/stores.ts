import { spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchProcesses } from '../processes/bench-processes.ts';
import { API_KEY, connectTo } from '../processes/wire.ts';
import { findProgram, versionOf } from './programs.ts';

/** What runs beside a peer. Each is made anew for every run, on loopback, in a directory that goes when it stops. */
export interface RunningStore {
  readonly child: ChildProcess;
  /** What it is, with its version; null for what is our own. */
  readonly version: string | null;
  /** What the peer's script is told. */
  readonly terms: Readonly<Record<string, unknown>>;
  /** Where the peer sends its calls; null: to the upstream itself. */
  readonly url: string | null;
  /** Where it keeps its files. */
  readonly directory: string;
  /** Starts it again on what it left, on the same port; only what dies with its peer needs to. */
  readonly startAgain: (() => Promise<RunningStore>) | null;
  stop(): Promise<void>;
}

/** What stores are started with. */
export interface StoreSources {
  readonly processes: BenchProcesses;
  /** An empty directory, on the disk of the checkout. */
  readonly makeDirectory: (name: string) => string;
  /** Where Debian packages are unpacked, and kept for the next run. */
  readonly packages: string;
  readonly upstreamUrl: string;
}

const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/batchwright.js', import.meta.url));
const READY_LIMIT_MS = 20_000;
const LOOK_MS = 20;
/** PostgreSQL refuses to be root; this is who nobody is on Linux. */
const NOBODY = 65_534;
const STARTERS = { redis: startRedis, postgres: startPostgres, batchwright: startBatchwright };

export function startStore(kind: keyof typeof STARTERS, sources: StoreSources): Promise<RunningStore> {
  return STARTERS[kind](sources);
}

/** Redis as queues are told to run it: every write in the append-only file, synced once a second. */
async function startRedis({ processes, makeDirectory, packages }: StoreSources): Promise<RunningStore> {
  const program = findProgram('redis-server', 'redis-server', packages);
  const { path, env } = program;
  const directory = makeDirectory('redis');
  const port = await freePort();
  const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  const place = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory];
  const child = processes.spawn(path, [...place, ...durable], { env });
  await listening(child, port);
  const version = `Redis ${versionOf(program)}`;
  const stop = (): Promise<void> => stopped(child);
  return { child, version, terms: { type: 'redis', port }, url: null, directory, startAgain: null, stop };
}

/** PostgreSQL as initdb sets it up, every commit synced. */
async function startPostgres({ processes, packages }: StoreSources): Promise<RunningStore> {
  const program = findProgram('postgres', 'postgresql', packages);
  const { path, env } = program;
  // The checkout may lie where nobody but its owner may look.
  const parent = mkdtempSync(join(tmpdir(), 'batchwright-peers-'));
  const directory = join(parent, 'data');
  mkdirSync(directory);
  const owner = process.getuid?.() === 0 ? { uid: NOBODY } : {};
  if (owner.uid !== undefined) {
    chmodSync(parent, 0o755);
    chownSync(directory, NOBODY, NOBODY);
  }
  const made = spawnSync(join(dirname(path), 'initdb'), ['-D', directory, '-U', 'bench', '-A', 'trust', '-N'], {
    ...owner,
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${directory}`];
  const args = ['-D', directory, '-p', `${port}`, ...settings.flatMap((setting) => ['-c', setting])];
  const child = processes.spawn(path, args, { env, ...owner });
  try {
    await listening(child, port, 'ready to accept connections');
  } catch (error) {
    rmSync(parent, { recursive: true, force: true });
    throw error;
  }
  const terms = { type: 'postgres', url: `postgres://bench@127.0.0.1:${port}/postgres` };
  const stop = async (): Promise<void> => {
    // SIGTERM waits for clients; SIGINT tells them to go.
    await stopped(child, 'SIGINT');
    rmSync(parent, { recursive: true, force: true });
  };
  const version = `PostgreSQL ${versionOf(program)}`;
  return { child, version, terms, url: null, directory, startAgain: null, stop };
}

async function startBatchwright(sources: StoreSources): Promise<RunningStore> {
  return serve(sources, sources.makeDirectory('batchwright'), await freePort());
}

async function serve(sources: StoreSources, directory: string, port: number): Promise<RunningStore> {
  const place = ['--port', `${port}`, '--data-dir', directory, '--api-key', API_KEY, '--log-level', 'silent'];
  const upstream = ['--upstream', sources.upstreamUrl, '--concurrency', '256'];
  const child = sources.processes.spawn(process.execPath, [COMMAND, 'serve', ...place, ...upstream]);
  await listening(child, port);
  return {
    child,
    version: null,
    terms: { type: 'batchwright', apiKey: API_KEY },
    url: `http://127.0.0.1:${port}`,
    directory,
    startAgain: () => serve(sources, directory, port),
    stop: () => stopped(child),
  };
}

/**
 * Resolves when the port takes connections, and those words were said where it does so too early; its output is read all
 * the while, or a full pipe would stop it.
 */
async function listening(child: ChildProcess, port: number, words = ''): Promise<void> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2000)));
  }
  const deadline = performance.now() + READY_LIMIT_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      (await connectTo(port)).destroy();
      if (said.includes(words)) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`${child.spawnfile} does not listen: ${said}`);
}

function stopped(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
