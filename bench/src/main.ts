import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readOrder, type Order as OrderWith, type Usage } from './arguments.ts';
import { bulkRun } from './figures/bulk-run.ts';
import { dispatch } from './figures/dispatch.ts';
import { growth } from './figures/growth.ts';
import { intakeMemory } from './figures/intake-memory.ts';
import { intakeRate } from './figures/intake-rate.ts';
import { latencyBound } from './figures/latency-bound.ts';
import { manyInFlight } from './figures/many-in-flight.ts';
import { pendingRequests } from './figures/pending-requests.ts';
import { prefixGrouping } from './figures/prefix-grouping.ts';
import { resultsDownload } from './figures/results-download.ts';
import { sideBySide } from './figures/side-by-side.ts';
import { smallBatches } from './figures/small-batches.ts';
import { startUp } from './figures/start-up.ts';
import { storedBatches } from './figures/stored-batches.ts';
import { tlsDispatch } from './figures/tls-dispatch.ts';
import type { Figure, Row } from './measure/figure.ts';
import { judge } from './measure/verdict.ts';
import { BenchProcesses } from './processes/bench-processes.ts';
import { benchMachine, machineLine } from './report/bench-machine.ts';
import { markdownTable } from './report/markdown-table.ts';
import { replaceSection } from './report/page-section.ts';
import { cellsOf, HEADINGS, resultTable } from './report/result-table.ts';

/**
 * `npm run bench`: measures the figures that the project set itself, each beside its baseline in the same minutes on the
 * same machine, and prints one table. Files go to `.bench`, on the disk of the checkout, since a temporary directory may
 * be memory; all but the last results are removed at the end, and no process outlives its figure.
 */
const FIGURES: readonly Figure[] = [
  intakeRate,
  intakeMemory,
  dispatch,
  latencyBound,
  resultsDownload,
  pendingRequests,
  startUp,
  storedBatches,
  growth,
  prefixGrouping,
  tlsDispatch,
  manyInFlight,
  sideBySide,
  smallBatches,
  bulkRun,
];
const USAGE: Usage<'profile' | 'markdown'> = {
  kind: 'figure',
  names: [...new Set(FIGURES.flatMap((figure) => figure.ids))],
  rounds: { usual: 5, least: 1, most: 100 },
  // A directory for CPU profiles of the servers, and a page that the table is written to.
  paths: ['profile', 'markdown'],
};
const BENCH_DIRECTORY = fileURLToPath(new URL('../../.bench/', import.meta.url));
/** One process of somebody else's, half of the time, is already visible on a machine with two processors. */
const BUSY_LOAD = 0.5;

type Order = OrderWith<'profile' | 'markdown'>;

/** A figure that could not be measured. */
interface Failure {
  readonly figure: string;
  readonly reason: string;
}

const read = readOrder(process.argv.slice(2), USAGE);
if (read.type === 'misused') {
  process.stderr.write(`bench: ${read.line}\n`);
  process.exitCode = 2;
} else {
  await run(read.order);
}

async function run(order: Order): Promise<void> {
  mkdirSync(BENCH_DIRECTORY, { recursive: true });
  const scratch = mkdtempSync(join(BENCH_DIRECTORY, 'run-'));
  const processes = new BenchProcesses(order.paths.profile);
  const leave = (): void => {
    void processes.endAll().then(() => {
      rmSync(scratch, { recursive: true, force: true });
      process.exit(130);
    });
  };
  const [loadBefore = 0] = loadavg();
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    const { rows, failures } = await measureAll(order, scratch, processes);
    process.stdout.write(`${resultTable(rows)}\n`);
    if (loadBefore > BUSY_LOAD) process.stdout.write(busyMachine(loadBefore));
    for (const { figure, reason } of failures) process.stdout.write(`${figure}: not measured: ${reason}\n`);
    writeLatest(order, loadBefore, rows, failures);
    if (order.paths.markdown !== null) writePage(order.paths.markdown, order.rounds, loadBefore, rows);
    // A missed goal is a result; only what could not be measured is a failure of the bench.
    process.exitCode = failures.length > 0 ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}

async function measureAll(
  order: Order,
  scratch: string,
  processes: BenchProcesses,
): Promise<{ readonly rows: readonly Row[]; readonly failures: readonly Failure[] }> {
  const wants = (id: string): boolean => order.names.includes(id);
  const rows: Row[] = [];
  const failures: Failure[] = [];
  for (const figure of FIGURES.filter(({ ids }) => ids.some(wants))) {
    process.stderr.write(`${figure.name} (${figure.ids.join(', ')}), ${order.rounds} rounds …\n`);
    const directory = mkdtempSync(join(scratch, 'figure-'));
    let directories = 0;
    const makeDirectory = (name: string): string => {
      const made = join(directory, `${name}-${++directories}`);
      mkdirSync(made);
      return made;
    };
    try {
      const measured = await within(figure.run({ rounds: order.rounds, processes, makeDirectory, wants }), figure);
      rows.push(...measured.filter(({ id }) => wants(id)));
    } catch (error) {
      failures.push({ figure: figure.name, reason: error instanceof Error ? error.message : String(error) });
    } finally {
      await processes.endAll();
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return { rows, failures };
}

/** Gives up waiting at the figure's limit; ending its processes then makes whatever it waits for fail. */
async function within<Result>(measuring: Promise<Result>, { limitSeconds }: Figure): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${limitSeconds} s`)), limitSeconds * 1000);
  });
  try {
    return await Promise.race([measuring, limit]);
  } finally {
    clearTimeout(timer);
    // When the limit came first, the figure fails a moment later, and everybody knows why.
    measuring.catch(() => {});
  }
}

function busyMachine(load: number): string {
  return `The machine was busy before the first round (load ${load.toFixed(1)}): rates come out too low, stalls too long.\n`;
}

/** The table between the page's marks; what people wrote around it stays. */
function writePage(file: string, rounds: number, loadBefore: number, rows: readonly Row[]): void {
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`;
  const lines = [
    `Written by \`${command}\`: ${machineLine(benchMachine())}, ${rounds} rounds, load before the first ${loadBefore.toFixed(1)}.`,
    '',
    ...markdownTable(HEADINGS, rows.map(cellsOf)),
  ];
  replaceSection(file, 'figures', lines);
}

function writeLatest(order: Order, loadBefore: number, rows: readonly Row[], failures: readonly Failure[]): void {
  const machine = { ...benchMachine(), loadBefore };
  const judged = rows.map((row) => ({ ...row, verdict: judge(row) }));
  const latest = { measuredAt: new Date().toISOString(), rounds: order.rounds, machine, rows: judged, failures };
  writeFileSync(join(BENCH_DIRECTORY, 'latest.json'), `${JSON.stringify(latest, null, 2)}\n`);
}
