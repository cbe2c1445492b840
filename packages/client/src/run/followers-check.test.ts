import { describe, expect, it } from 'vitest';
import { World } from './bulk-run.fixture.ts';
import { errored, rateLimited, succeeded } from './fake-server.fixture.ts';

const HOUR_MS = 3_600_000;

/** The custom_ids of each batch that was made. */
const made = (world: World): readonly (readonly string[])[] =>
  world.server.batches.map(({ requests }) => requests.map(({ custom_id: id }) => id));

describe('followers whose leader failed', () => {
  it('go behind one of them, from all batches that wait, and the leader that failed is tried again among them', async () => {
    const world = new World({ requests: 6, batchRequests: 3, groupSize: 6 });
    world.server.answer = ({ custom_id: id }, attempt) => (id === 'r-0' && attempt === 1 ? rateLimited : succeeded(id));
    expect((await world.settle()).end).toMatchObject({ report: { counts: { succeeded: 6 } } });
    expect(made(world)).toEqual([['r-0'], ['r-0'], ['r-1', 'r-2', 'r-3'], ['r-4', 'r-5']]);
  });

  it('wait for nobody once it failed them three times', async () => {
    const world = new World({ requests: 6, batchRequests: 6, groupSize: 6 });
    world.server.answer = ({ custom_id: id }) => (id < 'r-3' ? errored('invalid_request_error') : succeeded(id));
    expect((await world.settle()).end).toMatchObject({ report: { counts: { succeeded: 3, errored: 3 } } });
    expect(made(world)).toEqual([['r-0'], ['r-1'], ['r-2'], ['r-3', 'r-4', 'r-5']]);
  });

  it('wait while it is in a batch that still runs, whose results are all asked for again by whoever takes the run up', async () => {
    const world = new World({ requests: 12, batchRequests: 2, groupSize: 3 });
    world.server.isBatchwright = true;
    // The first batch is over when the second has shown one result of two.
    world.server.onCreate = (number) => {
      world.server.batchMs = number === 1 ? 70_000 : 40_000;
      return null;
    };
    world.server.answer = ({ custom_id: id }, attempt) =>
      attempt === 1 && (id === 'r-0' || id === 'r-6') ? rateLimited : succeeded(id);
    const reached = (point: string): void => {
      if (point === 'sent' && world.server.creates === 3) throw new Error('killed');
    };
    await expect(world.settle({ reached })).rejects.toThrow('killed');
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 12 } } });
    expect(world.server.submitted).toHaveLength(12 + 2);
  });
});

describe('a request that is tried again', () => {
  const worldWithLate = (first = 'r-3'): World => {
    const world = new World({ requests: 6, batchRequests: 6, groupSize: 6 });
    world.server.answer = ({ custom_id: id }, attempt) => (id >= first && attempt === 1 ? rateLimited : succeeded(id));
    return world;
  };

  it('reads at once what was written lately', async () => {
    const world = worldWithLate();
    await world.settle();
    expect(made(world).at(-1)).toEqual(['r-3', 'r-4', 'r-5']);
  });

  it('reads what others read lately, though it was written long ago', async () => {
    const world = worldWithLate();
    world.server.batchMs = HOUR_MS / 2;
    await world.settle();
    expect(made(world).at(-1)).toEqual(['r-3', 'r-4', 'r-5']);
  });

  it('is led again where that is too long ago', async () => {
    const world = worldWithLate('r-1');
    world.server.batchMs = HOUR_MS / 2;
    await world.settle();
    expect(made(world).slice(-2)).toEqual([['r-1'], ['r-2', 'r-3', 'r-4', 'r-5']]);
  });

  it('is led again where it was planned in time, and left until it was too late', async () => {
    const world = worldWithLate();
    let busy = 1;
    world.server.busyMs = HOUR_MS;
    world.server.onCreate = (number) => (number === 2 && busy-- > 0 ? 'busy' : null);
    await world.settle();
    expect(made(world).slice(-2)).toEqual([['r-3'], ['r-4', 'r-5']]);
  });
});
