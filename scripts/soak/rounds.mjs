import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from '../setup.mjs';

const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');

/** The campaigns there are, with how many rounds each is meant to have. */
export async function listCampaigns(directory) {
  const out = join(directory, 'campaigns.json');
  rmSync(out, { force: true });
  const { code, tail } = await run({ type: 'list', out }, join(directory, 'list.log'));
  if (!existsSync(out)) throw new Error(`the campaigns did not load (exit code ${code}):\n${tail()}`);
  return JSON.parse(readFileSync(out, 'utf8'));
}

/** Runs the seeds from `from` up to `to` in a process of their own; tells `onRound` of each as it ends. */
export async function runRounds({ directory, campaign, from, to, go, onRound }) {
  const out = join(directory, `${campaign}.${from}.jsonl`);
  rmSync(out, { force: true });
  const rounds = new Tail(out, onRound);
  const polling = setInterval(() => rounds.read(), 500);
  try {
    const order = { type: 'rounds', campaign, from, to, out, go };
    const { code, tail } = await run(order, join(directory, `${campaign}.${from}.log`));
    rounds.read();
    return { code, done: rounds.count, tail };
  } finally {
    clearInterval(polling);
    rmSync(out, { force: true });
  }
}

/** Lines of a file that grows, each told once it is whole. */
class Tail {
  count = 0;
  #path;
  #onLine;

  constructor(path, onLine) {
    this.#path = path;
    this.#onLine = onLine;
  }

  read() {
    if (!existsSync(this.#path)) return;
    const lines = readFileSync(this.#path, 'utf8').split('\n').slice(0, -1);
    for (const line of lines.slice(this.count)) this.#onLine(JSON.parse(line));
    this.count = lines.length;
  }
}

/** Rounds run under vitest, which reads TypeScript; in a group of their own, so that Ctrl-C reaches only us. */
async function run(order, log) {
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [VITEST, 'run', '--project', 'soak'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, BATCHWRIGHT_SOAK: JSON.stringify(order) },
  });
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(-1));
    child.once('exit', resolve);
  });
  closeSync(output);
  const tail = () => readFileSync(log, 'utf8').split('\n').slice(-40).join('\n');
  if (code === 0) rmSync(log, { force: true });
  return { code, tail };
}
