import { describe, expect, it } from 'vitest';
import { liveThrough, STEPS } from './history.ts';

/** `npm run sim -- --seed N` sets these; `npm test` runs a share that takes seconds. */
const FIRST = Number(process.env['BATCHWRIGHT_SIM_SEED'] ?? 1);
const COUNT = Number(process.env['BATCHWRIGHT_SIM_SEEDS'] ?? 30);

describe('a whole server in virtual time', () => {
  it.each(Array.from({ length: COUNT }, (_, i) => FIRST + i))('keeps every promise under seed %i', async (seed) => {
    const { violations } = await liveThrough(seed, STEPS);
    expect(violations, `replay with: npm run sim -- --seed ${seed}`).toEqual([]);
  });
});
