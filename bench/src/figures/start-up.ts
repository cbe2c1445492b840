import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory } from '../measure/process-memory.ts';
import { roundRobin } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';

/** From the spawn of `batchwright serve` to its first words, which it says once it listens; and what it holds then. */
export const startUp: Figure = {
  name: 'start-up',
  ids: ['P11'],
  limitSeconds: 180,
  run: measure,
};

/** Three times the rounds of the others: each is short, and process starts scatter. */
const ROUNDS_FACTOR = 3;
const IDLE_MS = 500;
const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/batchwright.js', import.meta.url));

async function measure(bench: Bench): Promise<readonly Row[]> {
  const used = bench.makeDirectory('data');
  const idle: number[] = [];
  const serve = async (directory: string): Promise<number> => {
    const { milliseconds, idleMegabytes } = await serveOnce(bench, directory);
    idle.push(idleMegabytes);
    return milliseconds;
  };
  // The first start makes the catalog and the key; the others find them.
  await serve(used);
  const samples = await roundRobin<'node' | 'restart' | 'first', number>(bench.rounds * ROUNDS_FACTOR, {
    node: () => nodeOnce(bench),
    restart: () => serve(used),
    first: () => serve(bench.makeDirectory('data')),
  });
  const row = (figure: string, values: readonly number[], goal: Row['goal']): Row => ({
    id: 'P11',
    figure,
    unit: 'ms',
    value: spreadOf(values),
    baseline: { name: 'node -e 0', unit: 'ms', value: spreadOf(samples.node) },
    ratio: pairedRatio(values, samples.node),
    goal,
  });
  return [
    row('process start to listening', samples.restart, atMost('ratio', 2)),
    row('the same in an empty directory', samples.first, null),
    {
      id: 'P11',
      figure: 'idle memory',
      unit: 'MB',
      value: spreadOf(idle),
      baseline: null,
      ratio: null,
      goal: atMost('value', 80),
    },
  ];
}

async function serveOnce(
  bench: Bench,
  directory: string,
): Promise<{ readonly milliseconds: number; readonly idleMegabytes: number }> {
  const startedMs = performance.now();
  const args = [COMMAND, 'serve', '--port', '0', '--data-dir', directory, '--log-level', 'silent'];
  const child = bench.processes.spawn(process.execPath, args);
  await firstWords(child);
  const milliseconds = performance.now() - startedMs;
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idleMegabytes = readMemory(child.pid ?? 0).resident / 1e6;
  child.kill('SIGTERM');
  await exit(child);
  return { milliseconds, idleMegabytes };
}

async function nodeOnce(bench: Bench): Promise<number> {
  const startedMs = performance.now();
  await exit(bench.processes.spawn(process.execPath, ['-e', '0']));
  return performance.now() - startedMs;
}

function firstWords(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => reject(new Error(`batchwright serve ended before it listened: ${complaint}`)));
  });
}

function exit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
