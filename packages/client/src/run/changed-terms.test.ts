import { describe, expect, it } from 'vitest';
import { all, rest, World } from './bulk-run.fixture.ts';
import { rateLimited, succeeded } from './fake-server.fixture.ts';
import type { RunOptions } from './run-options.ts';

/** Six requests of which two fail at first; the cap has no room for their second try, which is planned. */
async function withPlannedRetry(): Promise<World> {
  const world = new World({ requests: 6, batchRequests: 6, requestNanoUsd: 10_000 });
  world.server.answer = ({ custom_id: id }, attempt) =>
    attempt === 1 && (id === 'r-1' || id === 'r-3') ? rateLimited : succeeded(id);
  const { end } = await world.settle({ maxCostUsd: '0.000080' });
  expect(end).toMatchObject({ type: 'over_budget', report: { unsettled: 2 } });
  world.store = world.store.die();
  return world;
}

describe('a try that is planned and not sent', () => {
  it.each<[string, RunOptions]>([
    ['nothing is tried again any more', { retry: [] }],
    ['it is one too many now', { attempts: 1 }],
  ])('is dropped when %s', async (_, terms) => {
    const world = await withPlannedRetry();
    const { end, results } = await world.collect({ ...terms, maxCostUsd: '0.000080' });
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4, errored: 2 }, unsettled: 0 } });
    expect(results).toHaveLength(6);
    expect(world.server.creates).toBe(1);
    // And comes back when that is changed again.
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 6 } } });
    expect(world.server.submitted).toHaveLength(8);
  });

  it('is made as it was planned when nothing changed but the cap', async () => {
    const world = await withPlannedRetry();
    expect((await world.settle({ maxCostUsd: '1' })).end).toMatchObject({ report: { counts: { succeeded: 6 } } });
    expect(world.server.submitted).toHaveLength(8);
    expect(world.store.entries.filter(({ type }) => type === 'planned')).toHaveLength(2);
  });

  it('leaves what was answered before as the last word when the run is canceled', async () => {
    const world = await withPlannedRetry();
    const run = world.run();
    await world.until(run.cancel());
    const end = await world.until(run.settle());
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4, errored: 2 }, unsettled: 0 } });
    expect(await all(run.results('input'))).toHaveLength(6);
    expect(world.server.creates).toBe(1);
  });
});

describe('an answer that was not taken', () => {
  it('is not lost when the run is canceled before it is asked for once more', async () => {
    const world = new World({ requests: 1 });
    world.server.onCreate = (number) => (number === 1 ? 'busy' : null);
    world.server.busyMs = 3_600_000;
    const run = world.run({
      judge: async (_, params) => ({ type: 'rejected', reason: 'bad', params: await params() }),
    });
    const settled = run.settle();
    const canceled = (async () => {
      while (world.server.creates < 2) await rest();
      await run.cancel();
    })();
    await world.until(canceled);
    expect(await world.until(settled)).toMatchObject({
      type: 'settled',
      report: { counts: { succeeded: 1 }, rejected: 1, unsettled: 0 },
    });
  });
});
