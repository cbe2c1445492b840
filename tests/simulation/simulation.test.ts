import { describe, expect, it } from 'vitest';
import { liveThrough, STEPS } from './history.ts';

/** A share of `npm run soak -- R2` that takes seconds. */
const SEEDS = 30;

describe('a whole server in virtual time', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('keeps every promise under seed %i', async (seed) => {
    const { violations } = await liveThrough(seed, STEPS);
    expect(violations, `replay with: npm run soak -- R2 --seed ${seed}`).toEqual([]);
  });

  it('has the same history twice from one seed, or no seed that fails could be replayed', async () => {
    for (const seed of [3, 8, 21]) {
      const [once, again] = [await liveThrough(seed, STEPS), await liveThrough(seed, STEPS)];
      expect(again.counts).toEqual(once.counts);
      expect(again.world.upstream.calls).toEqual(once.world.upstream.calls);
    }
  });
});
