import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { atMost, type Bench, type Figure, type Row } from '../measure/figure.ts';
import { readMemory } from '../measure/process-memory.ts';
import { roundRobin, type Variant } from '../measure/round-robin.ts';
import { pairedRatio, spreadOf } from '../measure/spread.ts';

/**
 * A bulk run from a file of rows to a file of answers, by the command line, against the simulated batch API in virtual
 * time: a tenth of the rows and all of them, beside the official SDK told to do the same.
 */
export const bulkRun: Figure = {
  name: 'bulk run',
  ids: ['B1'],
  limitSeconds: 1800,
  run: measure,
};

const ROWS = 1_000_000;
const FEW_ROWS = ROWS / 10;
/** A million rows take minutes: as many rounds as other figures have would take an hour. */
const ROUNDS = 1;
const MEMORY_LOOK_MS = 20;
const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/batchwright.js', import.meta.url));
const SDK_RUN = fileURLToPath(new URL('../processes/sdk-bulk-run.js', import.meta.url));
const MODEL = 'claude-haiku-4-5';

interface RunCost {
  readonly seconds: number;
  readonly peakBytes: number;
}

async function measure(bench: Bench): Promise<readonly Row[]> {
  const few = writeRows(bench, FEW_ROWS);
  const all = writeRows(bench, ROWS);
  const samples = await roundRobin<'few' | 'all' | 'sdk', RunCost>(ROUNDS, {
    few: runOf(bench, few, commandLine),
    all: runOf(bench, all, commandLine),
    sdk: runOf(bench, all, sdkLine),
  });
  const seconds = samples.all.map((run) => run.seconds);
  const sdkSeconds = samples.sdk.map((run) => run.seconds);
  const peaks = samples.all.map((run) => run.peakBytes / 1e6);
  const sdkPeaks = samples.sdk.map((run) => run.peakBytes / 1e6);
  const growth = samples.all.map(
    ({ peakBytes }, round) => (peakBytes - (samples.few[round]?.peakBytes ?? 0)) / (ROWS - FEW_ROWS),
  );
  return [
    {
      id: 'B1',
      figure: '1,000,000 rows, file to file',
      unit: 's',
      value: spreadOf(seconds),
      baseline: { name: 'official SDK, in ten batches', unit: 's', value: spreadOf(sdkSeconds) },
      ratio: pairedRatio(seconds, sdkSeconds),
      goal: null,
    },
    {
      id: 'B1',
      figure: 'peak memory of it',
      unit: 'MB',
      value: spreadOf(peaks),
      baseline: { name: 'official SDK, in ten batches', unit: 'MB', value: spreadOf(sdkPeaks) },
      ratio: pairedRatio(peaks, sdkPeaks),
      goal: null,
    },
    {
      id: 'B1',
      figure: 'peak memory that each row adds, from 100,000 on',
      unit: 'B',
      value: spreadOf(growth),
      baseline: null,
      ratio: null,
      goal: atMost('value', 48),
    },
  ];
}

/** The file's rows, and how many. */
interface Rows {
  readonly path: string;
  readonly count: number;
}

function writeRows(bench: Bench, count: number): Rows {
  const path = join(bench.makeDirectory('rows'), 'rows.jsonl');
  const file = openSync(path, 'w');
  const LINES = 10_000;
  for (let row = 0; row < count; row += LINES) {
    const lines = Array.from({ length: LINES }, (_, i) => JSON.stringify({ text: textOf(row + i) }));
    writeSync(file, `${lines.join('\n')}\n`);
  }
  closeSync(file);
  return { path, count };
}

function textOf(row: number): string {
  return `Review ${row}: the thing works, mostly, and arrived ${row % 97} days after it was promised.`;
}

type CommandLine = (url: string, rows: Rows, output: string) => readonly string[];

function commandLine(url: string, { path }: Rows, output: string): readonly string[] {
  const template = ['--model', MODEL, '--max-tokens', '100', '--prompt', 'Classify: {{text}}'];
  return [COMMAND, 'run', path, ...template, '--server', url, '-o', output, '--quiet'];
}

function sdkLine(url: string, { path }: Rows, output: string): readonly string[] {
  return [SDK_RUN, url, MODEL, path, output];
}

/** One run against a simulator of its own, watched from its start to its end. */
function runOf(bench: Bench, rows: Rows, lineOf: CommandLine): Variant<RunCost> {
  return async () => {
    const simulator = await startSimulator(bench);
    const output = join(bench.makeDirectory('answers'), 'answers.jsonl');
    const startedMs = performance.now();
    const child = bench.processes.spawn(process.execPath, lineOf(simulator.url, rows, output), {
      env: { ANTHROPIC_API_KEY: 'sk-sim-bench-run' },
    });
    const peakBytes = await peakUntilExit(child);
    const seconds = (performance.now() - startedMs) / 1000;
    const lines = linesOf(output);
    if (lines !== rows.count) throw new Error(`${lines} answers to ${rows.count} rows`);
    simulator.child.kill('SIGTERM');
    return { seconds, peakBytes };
  };
}

async function startSimulator(bench: Bench): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const args = [COMMAND, 'simulate', '--port', '0', '--clock', 'virtual', '--profile', 'instant'];
  const child = bench.processes.spawn(process.execPath, ['--max-old-space-size=12288', ...args]);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      const found = /http:\/\/[\d.:]+/.exec(chunk.toString('utf8'));
      if (found !== null) resolve(found[0]);
    });
    child.once('exit', (code) => reject(new Error(`the simulator ended with ${code ?? 'a signal'}`)));
  });
  await fetch(`${url}/sim/clock`, { method: 'POST', body: '{"auto": true}' });
  return { child, url };
}

/** The most memory a process ever held. Its last look may miss what came after, by a fiftieth of a second at most. */
async function peakUntilExit(child: ChildProcess): Promise<number> {
  let peak = 0;
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')));
  child.stdout?.resume();
  const look = setInterval(() => {
    // Gone between its exit and our hearing of it.
    if (child.exitCode !== null || child.pid === undefined) return;
    try {
      peak = readMemory(child.pid).peak;
    } catch {
      // As above.
    }
  }, MEMORY_LOOK_MS);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`the run ended with ${code ?? 'a signal'}: ${complaint}`);
  return peak;
}

function linesOf(path: string): number {
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(1 << 20);
  let lines = 0;
  for (let bytes = readSync(file, chunk); bytes > 0; bytes = readSync(file, chunk)) {
    for (let at = chunk.indexOf(10); at >= 0 && at < bytes; at = chunk.indexOf(10, at + 1)) lines++;
  }
  closeSync(file);
  return lines;
}
