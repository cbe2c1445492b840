import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, platform, release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readCacheOrder, type CacheOrder } from './arguments.ts';
import { measureForwardedBytes } from './bytes/forwarded-bytes.ts';
import { goalVerdicts, type GoalVerdict, type Measured } from './goals/goal-verdicts.ts';
import { measureCase, type CaseResult } from './measure-case.ts';
import { caseLines } from './report/case-lines.ts';
import { summaryLines } from './report/summary-lines.ts';
import { tableLines } from './report/table-lines.ts';
import { playedTables, type PlayedTable } from './tables/played-tables.ts';
import { measureWaves, type WaveResult } from './waves/measure-waves.ts';
import { WAVE_CASES } from './waves/wave-cases.ts';
import { waveLines, waveVerdicts } from './waves/wave-lines.ts';
import { CASES } from './workloads/all-workloads.ts';
import { workloadOf } from './workloads/case.ts';

/**
 * `npm run bench:cache`: plays the caching workloads in virtual time, core's plans and schedules against the simulator's
 * cache, and says of each goal whether it is reached. Also written as JSON to `.bench/cache.json`. A missed goal is a
 * result and not an error.
 */
const BYTES_ID = 'C5';
const TABLES_ID = 'C7';
const WAVES_ID = 'W17';
const KNOWN_IDS = [...new Set([...CASES.map(workloadOf), WAVES_ID, BYTES_ID, TABLES_ID])];
const BENCH_DIRECTORY = fileURLToPath(new URL('../../../.bench/', import.meta.url));

const read = readCacheOrder(process.argv.slice(2), KNOWN_IDS);
if (read.type === 'misused') {
  process.stderr.write(`bench:cache: ${read.line}\n`);
  process.exitCode = 2;
} else {
  await run(read.order);
}

async function run(order: CacheOrder): Promise<void> {
  mkdirSync(BENCH_DIRECTORY, { recursive: true });
  const wants = (id: string): boolean => order.ids.size === 0 || order.ids.has(id);
  const tell = (lines: readonly string[]): void => {
    if (!order.isJson) process.stdout.write(`${lines.join('\n')}\n`);
  };
  const startedMs = Date.now();
  const results: CaseResult[] = [];
  for (const each of CASES.filter((candidate) => wants(workloadOf(candidate)))) {
    const result = measureCase(each);
    results.push(result);
    tell(caseLines(result));
  }
  const waves: WaveResult[] = [];
  for (const each of wants(WAVES_ID) ? WAVE_CASES : []) {
    const result = measureWaves(each);
    waves.push(result);
    tell(waveLines(result));
  }
  const tables: PlayedTable[] = [];
  for (const table of wants(TABLES_ID) ? playedTables() : []) {
    tables.push(table);
    tell(tableLines(table));
  }
  const bytes = wants(BYTES_ID) ? await measureForwardedBytes(BENCH_DIRECTORY) : null;
  const measured: Measured = { results, tables, bytes };
  const verdicts = [...goalVerdicts(measured), ...waveVerdicts(waves)];
  tell(summaryLines(results));
  tell(verdicts.map(verdictLine));
  tell([`played in ${Math.round((Date.now() - startedMs) / 1000)} s on ${machineText()}`]);
  writeLatest(order, { ...measured, waves }, verdicts);
}

function verdictLine({ id, goal, verdict, because }: GoalVerdict): string {
  return `${id}  ${verdict}: ${goal} – ${because}`;
}

function machineText(): string {
  const [cpu] = cpus();
  const [load = 0] = loadavg();
  return `${cpus().length} × ${cpu?.model ?? 'unknown'}, Node ${process.version}, ${platform()} ${release()}, load ${load.toFixed(1)}`;
}

function writeLatest(
  order: CacheOrder,
  { results, tables, bytes, waves }: Measured & { readonly waves: readonly WaveResult[] },
  verdicts: readonly GoalVerdict[],
): void {
  const cases = results.map(({ case: { id, title, concurrency, markers }, ...rest }) => ({
    id,
    title,
    concurrency,
    markers,
    ...rest,
  }));
  const json = JSON.stringify(
    {
      playedAt: new Date().toISOString(),
      machine: machineText(),
      cases,
      waves: waves.map(({ case: { id, title, waveUsd }, ...rest }) => ({ id, title, waveUsd, ...rest })),
      tables: tables.map(({ rows, ...table }) => ({
        ...table,
        rows: rows.map(({ row: { strategy, full, half, seconds, written, read: worked }, spent, differences }) => ({
          strategy,
          workedOut: { written, read: worked, fullUsd: full, halfUsd: half, seconds },
          spent,
          differences,
        })),
      })),
      bytes,
      verdicts,
    },
    null,
    2,
  );
  writeFileSync(join(BENCH_DIRECTORY, 'cache.json'), `${json}\n`);
  if (order.isJson) process.stdout.write(`${json}\n`);
}
