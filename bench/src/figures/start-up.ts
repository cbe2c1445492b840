import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory } from '../measure/process-memory.ts';
import { roundRobin } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';
import { exitOf, serveByCommand } from './served-command.ts';

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
  const { child, milliseconds } = await serveByCommand(bench, directory);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idleMegabytes = readMemory(child.pid ?? 0).resident / 1e6;
  child.kill('SIGTERM');
  await exitOf(child);
  return { milliseconds, idleMegabytes };
}

async function nodeOnce(bench: Bench): Promise<number> {
  const startedMs = performance.now();
  await exitOf(bench.processes.spawn(process.execPath, ['-e', '0']));
  return performance.now() - startedMs;
}
