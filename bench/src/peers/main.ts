import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { benchMachine, machineLine } from '../report/bench-machine.ts';
import { markdownTable } from '../report/markdown-table.ts';
import { replaceSection } from '../report/page-section.ts';
import { textTable } from '../report/text-table.ts';
import { readOrder, type Order } from '../arguments.ts';
import { crashRun } from './crash-run.ts';
import { fullRun } from './full-run.ts';
import { PeerRuns } from './peer-runs.ts';
import { CONCURRENCY, REQUESTS, writeRequests } from './peer-requests.ts';
import { PEERS } from './peer.ts';
import { peerTables, type PeerResults, type PeerTable } from './peer-tables.ts';

/**
 * `npm run bench:peers`: the same requests to the same upstream by what people use and by us, in one run: speed, cost,
 * and what a crash leaves. What the peers need is installed when this is asked for, and only below `bench/peers` and
 * `.bench`. One that fails does not stop the others, and every run is bounded in time.
 */
const BENCH_DIRECTORY = fileURLToPath(new URL('../../../.bench/', import.meta.url));
const PEERS_DIRECTORY = fileURLToPath(new URL('../../peers/', import.meta.url));

const read = readOrder(process.argv.slice(2), {
  kind: 'peer',
  names: PEERS.map(({ id }) => id),
  // None leaves only the crash.
  rounds: { usual: 3, least: 0, most: 20 },
  paths: ['markdown'],
});
if (read.type === 'misused') {
  process.stderr.write(`bench:peers: ${read.line}\n`);
  process.exitCode = 2;
} else {
  install();
  await compare(read.order);
}

/** Installs what the lock file in `bench/peers` says, unless that was done since it changed. */
function install(): void {
  const installed = join(PEERS_DIRECTORY, 'node_modules', '.package-lock.json');
  const lock = join(PEERS_DIRECTORY, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  process.stderr.write('Installing the peers (npm ci) …\n');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: PEERS_DIRECTORY, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ci in ${PEERS_DIRECTORY} failed`);
}

async function compare(order: Order<'markdown'>): Promise<void> {
  mkdirSync(BENCH_DIRECTORY, { recursive: true });
  const scratch = mkdtempSync(join(BENCH_DIRECTORY, 'peers-'));
  const runs = new PeerRuns(scratch, join(BENCH_DIRECTORY, 'debian'));
  const leave = (): void => {
    void runs.end().then(() => {
      rmSync(scratch, { recursive: true, force: true });
      process.exit(130);
    });
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    writeRequests(join(scratch, 'requests.jsonl'));
    const results = await measureAll(order, runs);
    report(order, results, [...packageVersions(), ...runs.versions]);
    process.exitCode = results.some(({ faults }) => faults.length > 0) ? 1 : 0;
  } finally {
    await runs.end();
    rmSync(scratch, { recursive: true, force: true });
    process.off('SIGINT', leave).off('SIGTERM', leave);
  }
}

/** Peers take turns round by round, with another one first each time, and crash at the end. */
async function measureAll({ names, rounds }: Order<'markdown'>, runs: PeerRuns): Promise<readonly PeerResults[]> {
  const instant = await runs.startUpstream({ answerBytes: 600 });
  const slow = await runs.startUpstream({ answerBytes: 600, latencyMs: 50, jitterMs: 25 });
  const peers = PEERS.filter(({ id }) => names.includes(id));
  const results = peers.map((peer): MutableResults => ({ peer, instant: [], slow: [], crash: null, faults: [] }));
  const attempt = async (result: MutableResults, what: string, measure: () => Promise<void>): Promise<void> => {
    process.stderr.write(`${result.peer.name}: ${what} …\n`);
    try {
      await measure();
    } catch (error) {
      result.faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < results.length; turn++) {
      const result = results[(round + turn) % results.length] as MutableResults;
      const { peer } = result;
      await attempt(result, `at once, round ${round + 1}`, async () => {
        result.instant.push(await runs.measure(peer, instant, (terms) => fullRun(peer, terms)));
      });
      await attempt(result, `50 ± 25 ms, round ${round + 1}`, async () => {
        result.slow.push(await runs.measure(peer, slow, (terms) => fullRun(peer, terms)));
      });
    }
  }
  for (const result of results) {
    const { peer } = result;
    await attempt(result, 'kill -9 half way', async () => {
      result.crash = await runs.measure(peer, slow, (terms) => crashRun(peer, terms, slow.process));
    });
  }
  return results;
}

type MutableResults = { -readonly [Key in keyof PeerResults]: PeerResults[Key] } & {
  readonly instant: PeerResults['instant'][number][];
  readonly slow: PeerResults['slow'][number][];
  readonly faults: string[];
};

function report(
  { rounds, paths: { markdown } }: Order<'markdown'>,
  results: readonly PeerResults[],
  versions: readonly string[],
): void {
  const tables = peerTables(results);
  for (const { title, headings, rows } of tables)
    process.stdout.write(`\n${title}\n\n${textTable([headings, ...rows])}`);
  for (const { peer, faults } of results) {
    for (const fault of faults) process.stdout.write(`${peer.name}: ${fault}\n`);
  }
  const latest = { measuredAt: new Date().toISOString(), rounds, machine: benchMachine(), versions, results };
  writeFileSync(join(BENCH_DIRECTORY, 'peers.json'), `${JSON.stringify(latest, null, 2)}\n`);
  if (markdown !== null) replaceSection(markdown, 'peers', pageLines(rounds, versions, tables));
}

function pageLines(rounds: number, versions: readonly string[], tables: readonly PeerTable[]): readonly string[] {
  const command = ['npm run bench:peers --', ...process.argv.slice(2)].join(' ');
  return [
    `Written by \`${command}\`: ${machineLine(benchMachine())}. ${REQUESTS} requests of 2.5 KB, ${CONCURRENCY} at once, ${rounds} rounds, medians [min..max].`,
    `Versions: ${versions.join(', ')}.`,
    ...tables.flatMap(({ title, headings, rows }) => ['', `### ${title}`, '', ...markdownTable(headings, rows)]),
  ];
}

/** As the peers' own package names them. */
function packageVersions(): readonly string[] {
  const { dependencies } = JSON.parse(readFileSync(join(PEERS_DIRECTORY, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
}
