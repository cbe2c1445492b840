import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built command line as a process, for tests that care about exit codes, signals and what is printed. */
export interface CommandProcess {
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves once standard output matches; rejects when the process ends before. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export const BIN = fileURLToPath(new URL('../bin/batchwright.js', import.meta.url));

const PATIENCE_MS = 30_000;

/** Starts `batchwright` in a directory, with nothing of the test's own environment that it would read. */
export function startCommand(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): CommandProcess {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = collect(child, 'stdout');
  const err = collect(child, 'stderr');
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal ?? -1));
  });
  return {
    out,
    err,
    ended,
    kill: (signal) => void child.kill(signal),
    prints: (pattern) => printed(child, pattern, out, err),
  };
}

/** Runs `batchwright` to its end. */
export async function runCommand(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | NodeJS.Signals; readonly out: string; readonly err: string }> {
  const command = startCommand(args, cwd, env);
  // A command that should have ended and did not must outlive neither its test nor the suite.
  const bound = setTimeout(() => command.kill('SIGKILL'), PATIENCE_MS);
  const code = await command.ended;
  clearTimeout(bound);
  return { code, out: command.out(), err: command.err() };
}

function collect(child: ChildProcess, stream: 'stdout' | 'stderr'): () => string {
  let text = '';
  child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

function printed(child: ChildProcess, pattern: RegExp, out: () => string, err: () => string): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const match = pattern.exec(out());
      if (match !== null) resolve(match);
    };
    child.stdout?.on('data', look);
    child.on('close', () => reject(new Error(`ended without printing ${pattern}:\n${out()}${err()}`)));
    look();
  });
}
