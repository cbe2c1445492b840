import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCommand, type CommandProcess } from '../../packages/cli/src/command-process.fixture.ts';
import { caller, type Caller } from '../harness/caller.ts';

/**
 * The built server as a process of its own, on a data directory that outlives it. What is asked of a crash, a signal or
 * a full disk can only be asked of a real process.
 */
export interface ServerProcess {
  readonly url: string;
  readonly client: Caller;
  readonly pid: number;
  /** What it wrote to standard error so far. */
  err(): string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface Home {
  readonly dataDir: string;
  /** Starts a server and waits until it listens. */
  start(options: readonly string[]): Promise<ServerProcess>;
  /** Starts a server and does not wait. */
  spawn(options: readonly string[]): CommandProcess;
  /** Waits until a server that was spawned listens. */
  listening(command: CommandProcess): Promise<ServerProcess>;
  /** Batches with anything stored, complete or not. */
  storedBatches(): Promise<readonly string[]>;
  /** Ends what still runs and removes everything. */
  close(): Promise<void>;
}

const KEY = 'sk-bw-crash-tests';

/** Where a home lies, and what its servers find there. */
export interface HomeOptions {
  /** A directory that exists, and is left to its owner; a temporary one otherwise. */
  readonly root?: string;
  /** Environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A data directory, and the servers on it. */
export async function openHome({ root, env = {} }: HomeOptions = {}): Promise<Home> {
  const directory = root ?? (await mkdtemp(join(tmpdir(), 'batchwright-crash-')));
  const dataDir = join(directory, 'data');
  const processes: CommandProcess[] = [];
  const spawn = (options: readonly string[]): CommandProcess => {
    const args = ['serve', '--port', '0', '--data-dir', dataDir, ...options];
    const command = startCommand(args, directory, { BATCHWRIGHT_API_KEY: KEY, ...env });
    processes.push(command);
    return command;
  };
  return {
    dataDir,
    spawn,
    listening: (command) => listening(command, dataDir),
    start: (options) => listening(spawn(options), dataDir),
    storedBatches: () => readdir(join(dataDir, 'batches')),
    close: async () => {
      for (const command of processes) command.kill('SIGKILL');
      await Promise.all(processes.map((command) => command.ended));
      if (root === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

async function listening(command: CommandProcess, dataDir: string): Promise<ServerProcess> {
  await command.prints(/Ctrl-C/);
  const url = /ANTHROPIC_BASE_URL=(\S+)/.exec(command.out())?.[1];
  if (url === undefined) throw new Error(`no URL in:\n${command.out()}`);
  const { pid } = JSON.parse(readFileSync(join(dataDir, 'lock'), 'utf8')) as { readonly pid: number };
  return {
    url,
    client: caller(url, KEY, ''),
    pid,
    err: () => command.err(),
    kill: async () => {
      command.kill('SIGKILL');
      await command.ended;
    },
    signal: (signal) => command.kill(signal),
    ended: command.ended,
  };
}

/** Resident memory of a process now, in bytes. Linux only. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** File descriptors a process holds open. Linux only. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Limits the size of any file that a running process writes, or lifts that limit again; false where that cannot be. */
export function limitFileSize(pid: number, bytes: number | 'unlimited'): boolean {
  return spawnSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`]).status === 0;
}

/** Whether a process has a file open whose path contains this. Linux only. */
export function hasOpen(pid: number, part: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((number) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${number}`).includes(part);
    } catch {
      return false; // Closed meanwhile.
    }
  });
}

/** Lets a running process open so many files and connections more, or as many as it likes; false where that cannot be. */
export function limitDescriptors(pid: number, spare: number | 'enough'): boolean {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let lowest = 0;
  while (taken.has(lowest)) lowest++;
  // The limit is on numbers, of which the lowest free one is given next.
  const limit = spare === 'enough' ? 4096 : lowest + spare;
  return spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:`]).status === 0;
}

const PATIENCE_MS = 30_000;
const LOOK_MS = 10;

/** Looks again and again until the condition holds. Another process sends no signal to wait on. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain until ${what}`);
    await pause(LOOK_MS);
  }
}

/** Real time, for what is about real time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
