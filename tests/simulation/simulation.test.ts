import { describe, expect, it } from 'vitest';
import { violations } from './checks.ts';
import { World } from './world.ts';

/**
 * Seeds that once failed, kept for good: 10 and 28 dispatched a batch that had expired while no process ran; in the
 * others a create died after its commit, and the next batch was blamed for its calls.
 */
const CORPUS: readonly number[] = [10, 28, 540847191, 540847332];

/** `npm run sim -- --seed N` sets these; `npm test` runs a share that takes seconds. */
const FIRST = Number(process.env['BATCHWRIGHT_SIM_SEED'] ?? 1);
const COUNT = Number(process.env['BATCHWRIGHT_SIM_SEEDS'] ?? 30);
const STEPS = 40;

describe('a whole server in virtual time', () => {
  const seeds = new Set([...CORPUS, ...Array.from({ length: COUNT }, (_, i) => FIRST + i)]);

  it.each([...seeds])('keeps every promise under seed %i', async (seed) => {
    const world = new World(seed);
    await world.run(STEPS);
    expect(await violations(world), `replay with: npm run sim -- --seed ${seed}`).toEqual([]);
  });

  it('lives the same history twice from one seed', async () => {
    const histories = [];
    for (let run = 0; run < 2; run++) {
      const world = new World(FIRST);
      await world.run(STEPS);
      histories.push({ calls: world.upstream.calls, batches: world.promised, crashes: world.crashes });
    }
    expect(histories[1]).toEqual(histories[0]);
  });

  it('meets crashes, lost answers, leaders, retries, cancels and expiries in its first seeds', async () => {
    const met = { crashes: 0, lostAnswers: 0, leaders: 0, batches: 0, calls: 0, requests: 0, canceled: 0, expired: 0 };
    for (let seed = 1; seed <= 12; seed++) {
      const world = new World(seed);
      await world.run(STEPS);
      met.crashes += world.crashes;
      met.lostAnswers += world.foundByListing;
      met.leaders += world.upstream.streams;
      met.batches += world.promised.length;
      met.calls += world.upstream.calls.length;
      met.requests += world.promised.reduce((sum, batch) => sum + batch.customIds.length, 0);
      met.canceled += world.promised.reduce((sum, batch) => sum + (batch.seen?.canceled ?? 0), 0);
      met.expired += world.promised.reduce((sum, batch) => sum + (batch.seen?.expired ?? 0), 0);
    }
    // A simulation in which nothing happens passes every check.
    expect(met.crashes).toBeGreaterThan(10);
    expect(met.lostAnswers).toBeGreaterThan(0);
    expect(met.leaders).toBeGreaterThan(12);
    expect(met.batches).toBeGreaterThan(50);
    expect(met.calls).toBeGreaterThan(met.requests / 2);
    expect(met.canceled).toBeGreaterThan(0);
    expect(met.expired).toBeGreaterThan(0);
  });
});
