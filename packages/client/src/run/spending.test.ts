import { describe, expect, it } from 'vitest';
import { START_MS, World } from './bulk-run.fixture.ts';
import type { RunOptions } from './run-options.ts';

const HOUR_MS = 3_600_000;

describe('money', () => {
  const cost = (world: World, maxNanoUsd: number) =>
    world.settle({ maxCostUsd: (maxNanoUsd / 1e9).toFixed(9) }).then(({ end }) => end);

  it('is asked for before anything is sent, for the whole run', async () => {
    const world = new World({ requests: 10, requestNanoUsd: 100 });
    expect(await cost(world, 999)).toMatchObject({
      type: 'over_budget',
      spentNanoUsd: 0,
      nextNanoUsd: 1000,
      maxNanoUsd: 999,
      report: { unsettled: 10 },
    });
    expect(world.server.creates).toBe(0);
    world.store = world.store.die();
    expect(await cost(world, 10_000_000)).toMatchObject({ type: 'settled' });
  });

  it('is asked for before each batch, what was spent and what is under way included', async () => {
    // Each answer costs (10 × $1 + 5 × $5) / 2 a million: 17,500 nano-dollars, 75 % more than was expected.
    const world = new World({ requests: 10, batchRequests: 2, requestNanoUsd: 10_000 });
    const end = await world.settle({ maxCostUsd: '0.000105', queuedRequests: 4 }).then((settled) => settled.end);
    expect(end).toMatchObject({
      type: 'over_budget',
      spentNanoUsd: 105_000,
      nextNanoUsd: 20_000,
      report: { unsettled: 4 },
    });
    expect(world.server.batches).toHaveLength(3);
    world.store = world.store.die();
    expect(await cost(world, 1_000_000)).toMatchObject({ type: 'settled', report: { unsettled: 0 } });
    expect(world.server.submitted).toHaveLength(10);
  });

  it('is kept for a batch that may have been created and cannot be looked for yet, and so is its room', async () => {
    const worldWithLost = (): World => {
      const world = new World({ requests: 8, batchRequests: 2, requestNanoUsd: 10_000 });
      // What is taken for the first is another's, for an hour, and the second was made.
      world.server.addForeign(2, START_MS + 100).endsAtMs += HOUR_MS;
      world.server.onCreate = (number) => (number === 0 ? 'lost_unknown' : number === 1 ? 'made_unknown' : null);
      return world;
    };
    const createsWithin = async (world: World, options: RunOptions): Promise<number> => {
      const leave = new AbortController();
      const run = world.run({ ...options, signal: leave.signal });
      const timer = world.clock.after(HOUR_MS / 2, () => leave.abort());
      expect(await world.until(run.settle())).toMatchObject({ type: 'left' });
      timer.cancel();
      return world.server.creates;
    };
    expect(await createsWithin(worldWithLost(), { queuedRequests: 4 })).toBe(2);
    // Two requests cost 35,000, and not the 20,000 that were expected.
    expect(await createsWithin(worldWithLost(), { queuedRequests: 6, maxCostUsd: '0.000085' })).toBe(3);
  });

  it('is asked for the whole run again where all that was sent was refused', async () => {
    const world = new World({ requests: 10, requestNanoUsd: 100 });
    world.server.onCreate = (number) => (number === 0 ? 'unauthorized' : null);
    await expect(world.settle()).rejects.toMatchObject({ status: 401 });
    world.store = world.store.die();
    expect(await cost(world, 999)).toMatchObject({ type: 'over_budget', spentNanoUsd: 0, nextNanoUsd: 1000 });
    expect(world.server.batches).toEqual([]);
  });

  it('cannot be bounded for a model without a price', async () => {
    const world = new World({ requestNanoUsd: null });
    await expect(cost(world, 1000)).rejects.toMatchObject({
      name: 'UnpricedRunError',
      message: expect.stringContaining('without a known price') as string,
    });
    expect(world.server.creates).toBe(0);
  });
});
