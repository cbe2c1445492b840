import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../measure/figure.ts';

/** A server that was started as users start it. */
export interface ServedCommand {
  readonly child: ChildProcess;
  /** From the spawn to its first words, which it says once it listens and has taken up what the last process left. */
  readonly milliseconds: number;
}

const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/batchwright.js', import.meta.url));

/** Runs `batchwright serve` on a data directory, from the bundle, and waits for its first words. */
export async function serveByCommand(
  bench: Bench,
  directory: string,
  options: readonly string[] = [],
): Promise<ServedCommand> {
  const args = [COMMAND, 'serve', '--port', '0', '--data-dir', directory, '--log-level', 'silent', ...options];
  const startedMs = performance.now();
  const child = bench.processes.spawn(process.execPath, args);
  await firstWords(child);
  return { child, milliseconds: performance.now() - startedMs };
}

/** Resolves when the process is gone. */
export function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

function firstWords(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error(`batchwright serve ended before it listened: ${complaint}`)));
  });
}
