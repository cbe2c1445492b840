import { describe, expect, it } from 'vitest';
import { World } from './bulk-run.fixture.ts';

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

  it('cannot be bounded for a model without a price', async () => {
    const world = new World({ requestNanoUsd: null });
    await expect(cost(world, 1000)).rejects.toThrow('without a known price');
    expect(world.server.creates).toBe(0);
  });
});
