import { describe, expect, it } from 'vitest';
import { all, rest, START_MS, World } from './bulk-run.fixture.ts';
import { rateLimited } from './fake-server.fixture.ts';

describe('a run that is left', () => {
  it('by its signal ends at once, and goes on from there', async () => {
    const world = new World({ requests: 10 });
    const leave = new AbortController();
    const run = world.run({ signal: leave.signal });
    const settled = run.settle();
    while (world.server.batches.length < 2) await rest();
    leave.abort();
    expect(await settled).toMatchObject({ type: 'left', report: { requests: 10, unsettled: 10 } });
    expect(world.clock.now()).toBe(START_MS);
    expect(world.clock.pendingCount).toBe(0);
    await run.close();
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 10 } } });
    expect(world.server.submitted).toHaveLength(10);
  });

  it('before it began has done nothing', async () => {
    const world = new World();
    expect((await world.settle({ signal: AbortSignal.abort() })).end).toMatchObject({ type: 'left' });
    expect(world.store.entries).toEqual([]);
  });

  it('by who iterates no further stops too', async () => {
    const world = new World({ requests: 10 });
    const run = world.run();
    const first = async (): Promise<string> => {
      for await (const { customId } of run) return customId;
      return 'none';
    };
    expect(await world.until(first())).toMatch(/^r-\d$/);
    expect(await run.settle()).toMatchObject({ type: 'left' });
    world.store = world.store.die();
    const { results } = await world.collect();
    expect(results).toHaveLength(10);
    expect(world.server.submitted).toHaveLength(10);
  });

  it('to itself has sent all that can be sent', async () => {
    const world = new World({ requests: 8, batchRequests: 4, groupSize: 4 });
    world.server.batchMs = 600_000;
    const detach = () => world.settle({ detach: true }).then(({ end }) => end);
    expect(await detach()).toMatchObject({ type: 'left', report: { batches: 1, unsettled: 8 } });
    expect(world.clock.now()).toBe(START_MS);
    await world.clock.advance(600_000);
    world.store = world.store.die();
    // The leaders are over, so the others go.
    expect(await detach()).toMatchObject({ type: 'left', report: { batches: 3, unsettled: 6 } });
    await world.clock.advance(600_000);
    world.store = world.store.die();
    expect(await detach()).toMatchObject({ type: 'settled', report: { counts: { succeeded: 8 } } });
  });
});

describe('a run that is canceled', () => {
  it('sends nothing more, cancels what is under way, and keeps what was answered', async () => {
    const world = new World({ requests: 12, batchRequests: 4 });
    world.server.answer = () => rateLimited;
    const run = world.run({ queuedRequests: 4 });
    const settled = run.settle();
    const canceled = (async () => {
      while (world.server.batches.length < 2) await rest();
      await run.cancel();
    })();
    await world.until(canceled);
    expect(await world.until(settled)).toMatchObject({
      type: 'settled',
      report: { counts: { errored: 4, canceled: 4 }, unsettled: 4 },
    });
    expect(world.server.batches.map(({ isCanceled }) => isCanceled)).toEqual([false, true]);
    expect(world.types().filter((type) => type === 'canceled')).toHaveLength(1);
    expect(await all(run.results('input'))).toHaveLength(8);
  });

  it('before it began sends nothing', async () => {
    const world = new World();
    const run = world.run();
    await world.until(run.cancel());
    expect(await run.settle()).toMatchObject({ type: 'settled', report: { unsettled: 10 } });
    expect(world.server.creates).toBe(0);
  });

  it('and left before the server heard cancels when it is taken up', async () => {
    const world = new World({ requests: 4 });
    world.server.batchMs = 600_000;
    await world.settle({ detach: true });
    await world.store.appendJournal({ type: 'canceled', atMs: world.clock.now() });
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { canceled: 4 } } });
    expect(world.clock.now() - START_MS).toBeLessThan(30_000);
  });
});
