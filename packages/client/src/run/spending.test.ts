import { describe, expect, it } from 'vitest';
import { START_MS, World } from './bulk-run.fixture.ts';
import type { RunOptions } from './run-options.ts';

const HOUR_MS = 3_600_000;

describe('money', () => {
  const cost = (world: World, maxNanoUsd: number) =>
    world.settle({ maxCostUsd: (maxNanoUsd / 1e9).toFixed(9) }).then(({ end }) => end);

  it('sends nothing where the first batch would be too much, and says what all of it is expected to cost', async () => {
    const world = new World({ requests: 10, requestNanoUsd: 100 });
    expect(await cost(world, 399)).toMatchObject({
      type: 'over_budget',
      spentNanoUsd: 0,
      nextNanoUsd: 400,
      wholeNanoUsd: 1000,
      maxNanoUsd: 399,
      report: { unsettled: 10 },
    });
    expect(world.server.creates).toBe(0);
    world.store = world.store.die();
    expect(await cost(world, 10_000_000)).toMatchObject({ type: 'settled' });
  });

  it('sends what fits, and stops where the next does not', async () => {
    const world = new World({ requests: 10, batchRequests: 1, requestNanoUsd: 17_500 });
    const end = await cost(world, 70_000);
    expect(end).toMatchObject({
      type: 'over_budget',
      spentNanoUsd: 70_000,
      nextNanoUsd: 17_500,
      wholeNanoUsd: 175_000,
    });
    expect(world.server.batches).toHaveLength(4);
  });

  it('is not spent on leaders whom nobody could follow', async () => {
    // Two leaders; of their followers, four are in one batch and two in another.
    const world = new World({ requests: 8, batchRequests: 4, groupSize: 4, requestNanoUsd: 10_000 });
    expect(await cost(world, 39_999)).toMatchObject({ spentNanoUsd: 0, nextNanoUsd: 40_000, wholeNanoUsd: 80_000 });
    expect(world.server.creates).toBe(0);
    world.store = world.store.die();
    // The leaders cost 35,000, and the smaller batch goes where the larger does not fit.
    expect(await cost(world, 60_000)).toMatchObject({ type: 'over_budget', nextNanoUsd: 40_000 });
    expect(world.server.batches.map(({ requests }) => requests.length)).toEqual([2, 2]);
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

  it('is asked for again where all that was sent was refused', async () => {
    const world = new World({ requests: 10, requestNanoUsd: 100 });
    world.server.onCreate = (number) => (number === 0 ? 'unauthorized' : null);
    await expect(world.settle()).rejects.toMatchObject({ status: 401 });
    world.store = world.store.die();
    expect(await cost(world, 399)).toMatchObject({ type: 'over_budget', spentNanoUsd: 0, nextNanoUsd: 400 });
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
