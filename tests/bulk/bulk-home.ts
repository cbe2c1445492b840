import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { MessageBatch } from '@batchwright/protocol';
import { BIN, startCommand, type CommandProcess } from '../../packages/cli/src/command-process.fixture.ts';

/**
 * A directory in which the built command line is used as a person would, and the servers it talks to, each a process of
 * its own: a Batchwright, and the simulator's native batches, which stand in for the hosted API.
 */
export interface BulkHome {
  readonly directory: string;
  path(name: string): string;
  write(name: string, content: string | Uint8Array): Promise<void>;
  read(name: string): Promise<string>;
  /** The results in a file of lines. */
  results(name: string): Promise<readonly ResultRow[]>;
  /** Runs a command to its end. */
  run(args: readonly string[], options?: RunHow): Promise<Ran>;
  /** Starts a command. */
  start(args: readonly string[], env?: Env): CommandProcess;
  /** Runs a line of a shell in which `batchwright` is the command. */
  shell(line: string, env?: Env): Promise<Ran>;
  startBatchwright(...options: readonly string[]): Promise<TestApi>;
  startSimulator(...options: readonly string[]): Promise<TestApi>;
  /** Ends what still runs and removes everything. */
  close(): Promise<void>;
}

export type Env = Readonly<Record<string, string>>;
export type JsonRecord = Readonly<Record<string, unknown>>;

/** A line of the results, as far as tests look. */
export interface ResultRow {
  readonly custom_id: string;
  readonly result: {
    readonly type: string;
    readonly message: { readonly usage: Readonly<Record<string, number>> };
  };
}

export interface RunHow {
  readonly env?: Env;
}

export interface Ran {
  readonly code: number | NodeJS.Signals;
  readonly out: string;
  readonly err: string;
}

/** A server to run against. */
export interface TestApi {
  readonly url: string;
  /** What a client needs to talk to it. */
  readonly env: Env;
  readonly process: CommandProcess;
  /** All batches there are, newest first. */
  batches(): Promise<readonly MessageBatch[]>;
  /** How often the model was asked, by custom_id. */
  calls(): Promise<ReadonlyMap<string, number>>;
  addFaults(...rules: readonly JsonRecord[]): Promise<void>;
  clearFaults(): Promise<void>;
}

const KEY = 'sk-bw-bulk-tests';
const PATIENCE_MS = 60_000;

export async function openBulkHome(): Promise<BulkHome> {
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-bulk-'));
  const running: CommandProcess[] = [];
  const path = (name: string): string => join(directory, name);
  const start = (args: readonly string[], env: Env = {}): CommandProcess => {
    const command = startCommand(args, directory, { HOME: directory, ...env });
    running.push(command);
    return command;
  };
  const read = (name: string): Promise<string> => readFile(path(name), 'utf8');
  return {
    directory,
    path,
    read,
    start,
    write: (name, content) => writeFile(path(name), content),
    results: async (name) => jsonLines(await read(name)) as unknown as readonly ResultRow[],
    run: async (args, { env = {} } = {}) => finished(start(args, env)),
    shell: (line, env = {}) => runShell(line, directory, env),
    startBatchwright: async (...options) => {
      const dataDir = path(`data-${running.length}`);
      const settings = [
        '--port',
        '0',
        '--data-dir',
        dataDir,
        '--simulator-profile',
        'instant',
        '--log-level',
        'silent',
      ];
      return listening(start(['serve', ...settings, ...options], { BATCHWRIGHT_API_KEY: KEY }));
    },
    startSimulator: async (...options) => {
      const settings = ['--port', '0', '--profile', 'instant', '--batch-latency', '0'];
      return listening(start(['simulate', ...settings, ...options]));
    },
    close: async () => {
      for (const command of running) command.kill('SIGKILL');
      await Promise.all(running.map((command) => command.ended));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The objects of JSONL. */
export function jsonLines(text: string): readonly JsonRecord[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonRecord);
}

/** Waits for a command's end, and ends it when it takes too long. */
export async function finished(command: CommandProcess): Promise<Ran> {
  const bound = setTimeout(() => command.kill('SIGKILL'), PATIENCE_MS);
  const code = await command.ended;
  clearTimeout(bound);
  return { code, out: command.out(), err: command.err() };
}

async function listening(command: CommandProcess): Promise<TestApi> {
  const [, url = ''] = await command.prints(/ANTHROPIC_BASE_URL=(\S+)\n[\s\S]*Ctrl-C/);
  const env = { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: KEY };
  return {
    url,
    env,
    process: command,
    batches: () => allBatches(url),
    calls: async () => {
      const { data } = await call<{ readonly data: readonly LedgerRow[] }>(url, 'GET', '/sim/ledger?limit=1000000');
      const counts = new Map<string, number>();
      for (const { custom_id: id } of data) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1);
      return counts;
    },
    addFaults: async (...rules) => void (await call(url, 'POST', '/sim/faults', rules)),
    clearFaults: async () => void (await call(url, 'DELETE', '/sim/faults')),
  };
}

async function allBatches(url: string): Promise<readonly MessageBatch[]> {
  const batches: MessageBatch[] = [];
  for (;;) {
    const after = batches.length === 0 ? '' : `&after_id=${batches.at(-1)?.id}`;
    const page = await call<BatchPage>(url, 'GET', `/v1/messages/batches?limit=100${after}`);
    batches.push(...page.data);
    if (!page.has_more) return batches;
  }
}

interface LedgerRow {
  readonly custom_id: string | null;
}

interface BatchPage {
  readonly data: readonly MessageBatch[];
  readonly has_more: boolean;
}

async function call<Answer>(url: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Answer;
}

function runShell(line: string, directory: string, env: Env): Promise<Ran> {
  const script = `batchwright() { "${process.execPath}" "${BIN}" "$@"; }\n${line}`;
  const child = spawn('bash', ['-c', script], {
    cwd: directory,
    env: { PATH: process.env['PATH'], HOME: directory, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said.err += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? -1, ...said }));
  });
}
