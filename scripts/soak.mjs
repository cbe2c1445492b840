import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ROOT, setUp } from './setup.mjs';
import { Progress } from './soak/progress.mjs';
import { listCampaigns, runRounds } from './soak/rounds.mjs';

const USAGE = `npm run soak -- [campaign…] [--rounds N] [--minutes M] [--processes P] [--restart]
npm run soak -- <campaign> --seed N     replays one seed
`;
const DIRECTORY = join(ROOT, '.soak');
/** Seeds that one process runs before another takes over, so that what leaks does not add up. */
const RANGE = 250;

/** `npm run soak`: runs campaigns of faults, goes on where it stopped, and names the seeds that failed. */
const options = readOptions();
setUp();
mkdirSync(DIRECTORY, { recursive: true });
const campaigns = chosen(await listCampaigns(DIRECTORY));
const commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+');
const go = join(DIRECTORY, `go.${process.pid}`);
let isStopping = false;
writeFileSync(go, '');
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(`${signal}: finishing the rounds under way`));
const minutesOver = () => stop('the time is over: finishing the rounds under way');
const timer = setTimeout(minutesOver, Math.min(options.minutes * 60_000, 2 ** 31 - 1));
try {
  process.exitCode = options.seed === null ? await runAll() : await replay(campaigns[0], options.seed);
} finally {
  clearTimeout(timer);
  rmSync(go, { force: true });
}

async function runAll() {
  const rows = [];
  for (const campaign of campaigns) {
    const progress = new Progress(DIRECTORY, campaign.id, options.restart);
    if (!isStopping) await runCampaign(campaign, progress);
    rows.push(row(campaign, progress.state));
  }
  process.stdout.write(`\n${table(rows)}\n`);
  return rows.some(({ violations }) => violations > 0) ? 1 : 0;
}

async function runCampaign(campaign, progress) {
  const last = options.rounds ?? campaign.rounds;
  const lanes = campaign.isParallel ? options.processes : 1;
  say(
    `${campaign.id} ${campaign.name}: ${progress.state.done} of ${last} rounds done, from seed ${progress.state.next}`,
  );
  const startedMs = Date.now();
  let savedMs = startedMs;
  const save = () => {
    progress.save((Date.now() - savedMs) / 1000, commit);
    savedMs = Date.now();
  };
  const lane = async () => {
    for (let range; !isStopping && (range = progress.take(RANGE, last)) !== null; save()) {
      await runRange(campaign, progress, range, lanes);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  save();
}

async function runRange(campaign, progress, [from, to]) {
  const onRound = (round) => {
    progress.add(round);
    if (round.violations.length > 0) tellFailure(campaign.id, round);
  };
  const { code, done, tail } = await runRounds({ directory: DIRECTORY, campaign: campaign.id, from, to, go, onRound });
  const next = from + done;
  const { state } = progress;
  say(`${campaign.id} seeds ${from}–${next - 1}: ${state.done} rounds, ${state.violations} violations`);
  if (code === 0 || isStopping) return progress.giveBack(next, to);
  // The process broke and not a round of it: the seed that it was at is to blame, or what came before.
  onRound({ seed: next, violations: [`the process of its rounds ended with ${code}:\n${tail()}`], counts: {} });
  progress.giveBack(next + 1, to);
}

async function replay(campaign, seed) {
  let report = null;
  const onRound = (round) => (report = round);
  const { code, tail } = await runRounds({
    ...{ directory: DIRECTORY, campaign: campaign.id, from: seed, to: seed + 1, go, onRound },
  });
  if (report === null) {
    process.stdout.write(`${campaign.id} seed ${seed} did not run (exit code ${code}):\n${tail()}\n`);
    return 1;
  }
  process.stdout.write(`${campaign.id} seed ${seed} at ${commit}: ${JSON.stringify(report.counts)}\n`);
  for (const violation of report.violations) process.stdout.write(`✗ ${violation}\n`);
  return report.violations.length === 0 ? 0 : 1;
}

function tellFailure(campaign, { seed, violations }) {
  const failure = { campaign, seed, commit, at: new Date().toISOString(), violations };
  appendFileSync(join(DIRECTORY, 'failures.jsonl'), `${JSON.stringify(failure)}\n`);
  say(
    `✗ ${campaign} seed ${seed}: ${violations[0]}${violations.length > 1 ? ` and ${violations.length - 1} more` : ''}`,
  );
  say(`  replay with: npm run soak -- ${campaign} --seed ${seed}`);
}

function row({ id, name, rounds }, { done, counts, violations, failed, seconds, commits }) {
  const happened = Object.entries(counts).map(([count, sum]) => `${count} ${sum.toLocaleString('en')}`);
  return {
    ...{ campaign: `${id} ${name}`, rounds: `${done} of ${options.rounds ?? rounds}`, violations },
    ...{ failed: failed.join(' '), time: `${(seconds / 60).toFixed(1)} min`, commit: commits.join(' ') },
    happened: happened.join(', '),
  };
}

function table(rows) {
  const head = ['campaign', 'rounds', 'violations', 'failed', 'time', 'commit', 'happened'];
  const lines = [head, head.map(() => '---'), ...rows.map((cells) => head.map((name) => String(cells[name])))];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function stop(why) {
  if (isStopping) return;
  isStopping = true;
  say(why);
  rmSync(go, { force: true });
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        minutes: { type: 'string' },
        processes: { type: 'string' },
        seed: { type: 'string' },
        restart: { type: 'boolean', default: false },
      },
    });
    const seed = whole('seed', values.seed);
    if (seed !== null && positionals.length !== 1) throw new Error('--seed replays one campaign: name it');
    return {
      ...{ ids: positionals, seed, restart: values.restart, rounds: whole('rounds', values.rounds) },
      minutes: whole('minutes', values.minutes) ?? Number.POSITIVE_INFINITY,
      processes: whole('processes', values.processes) ?? Math.min(2, availableParallelism()),
    };
  } catch (error) {
    return leave(error.message);
  }
}

function whole(name, text) {
  if (text === undefined) return null;
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a whole number, and not ${text}`);
  return Number(text);
}

function chosen(all) {
  const unknown = options.ids.find((id) => !all.some((campaign) => campaign.id === id));
  if (unknown !== undefined) leave(`there is no campaign ${unknown}, only ${all.map(({ id }) => id).join(', ')}`);
  return options.ids.length === 0 ? all : all.filter(({ id }) => options.ids.includes(id));
}

function leave(message) {
  process.stderr.write(`soak: ${message}\n${USAGE}`);
  process.exit(2);
}

function git(...args) {
  return spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout?.trim() ?? 'unknown';
}

function say(line) {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}
