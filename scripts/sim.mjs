import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ROOT, setUp } from './setup.mjs';

/**
 * `npm run sim -- --seed N` replays one history of the whole-server simulation; `--seeds N` runs that many from there on.
 */
const { values } = parseArgs({ options: { seed: { type: 'string' }, seeds: { type: 'string', default: '1' } } });
const seed = values.seed ?? String(Math.floor(Math.random() * 1e9));
if (!/^\d+$/.test(seed) || !/^\d+$/.test(values.seeds)) {
  process.stderr.write('sim: --seed and --seeds take whole numbers, as in: npm run sim -- --seed 42 --seeds 1000\n');
  process.exit(2);
}
setUp();
process.stdout.write(`simulating ${values.seeds} seed(s) from ${seed}\n`);
const { status } = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--project',
    'whole',
    'tests/simulation',
    '-t',
    'under seed',
  ],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, BATCHWRIGHT_SIM_SEED: seed, BATCHWRIGHT_SIM_SEEDS: values.seeds },
  },
);
process.exitCode = status ?? 1;
