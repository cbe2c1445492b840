import { describe, expect, it } from 'vitest';
import { ids, START_MS, World } from './bulk-run.fixture.ts';
import { errored, failure, type CreateFault } from './fake-server.fixture.ts';

const once =
  (fault: CreateFault, at = 0) =>
  (number: number) =>
    number === at ? fault : null;

describe.each([false, true])('a create without an answer (a Batchwright: %j)', (isBatchwright) => {
  const worldWith = (terms: ConstructorParameters<typeof World>[0] = {}): World => {
    const world = new World(terms);
    world.server.isBatchwright = isBatchwright;
    return world;
  };

  it.each([
    ['made_unknown', 1],
    ['made_late', 1],
    ['lost_unknown', 2],
  ] as const)('that was %s leads to no second submission', async (fault, creates) => {
    const world = worldWith({ requests: 4 });
    world.server.onCreate = once(fault);
    const { results, end } = await world.collect();
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4 } } });
    expect(results).toHaveLength(4);
    expect(world.server.creates).toBe(creates);
    expect(world.server.submitted).toHaveLength(4);
  });

  it('is looked for when the run is taken up', async () => {
    const world = worldWith({ requests: 4 });
    const reached = (point: string): void => {
      if (point === 'after_create') throw new Error('killed');
    };
    await expect(world.settle({ reached })).rejects.toThrow('killed');
    expect(world.types().at(-1)).toBe('sending');
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled' });
    expect(world.server.submitted).toHaveLength(4);
    expect(world.store.entries.find((entry) => entry.type === 'sent')).toMatchObject({ isAdopted: true });
  });

  it('is looked for while listing fails', async () => {
    const world = worldWith({ requests: 4 });
    world.server.onCreate = once('made_unknown');
    let failures = 3;
    world.server.onCall = (call) => {
      if ((call === 'newest' || call === 'holds') && failures-- > 0) throw failure(529);
    };
    await world.settle();
    expect(world.server.submitted).toHaveLength(4);
  });

  it('takes no batch of another size, of long before, or known already for its own', async () => {
    const world = worldWith({ requests: 8, batchRequests: 4 });
    world.server.addForeign(5, START_MS);
    world.server.addForeign(4, START_MS - 3_600_000);
    world.server.onCreate = once('lost_unknown', 1);
    const { end } = await world.settle();
    expect(end).toMatchObject({ report: { counts: { succeeded: 8 }, batches: 2 } });
    expect(world.server.creates).toBe(3);
    expect(world.store.entries.some((entry) => entry.type === 'sent' && entry.isAdopted)).toBe(false);
  });

  it('that made nothing, in a run that was canceled, is not sent again', async () => {
    const world = worldWith({ requests: 4 });
    const reached = (point: string): void => {
      if (point === 'before_create') throw new Error('killed');
    };
    await expect(world.settle({ reached })).rejects.toThrow('killed');
    world.store = world.store.die();
    await world.store.appendJournal({ type: 'canceled', atMs: START_MS });
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { unsettled: 4 } });
    expect(world.server.creates).toBe(0);
  });

  it('that made a batch, in a run that was canceled, is canceled where it is known for ours', async () => {
    const world = worldWith({ requests: 4 });
    const reached = (point: string): void => {
      if (point === 'after_create') throw new Error('killed');
    };
    await expect(world.settle({ reached })).rejects.toThrow('killed');
    world.store = world.store.die();
    await world.store.appendJournal({ type: 'canceled', atMs: START_MS });
    expect((await world.settle()).end).toMatchObject({
      report: { counts: isBatchwright ? { canceled: 4 } : { succeeded: 4 } },
    });
  });
});

describe('a batch taken for ours', () => {
  it('that is another’s is found out by its results, and ours is sent then', async () => {
    const world = new World({ requests: 4 });
    const foreign = world.server.addForeign(4, START_MS + 100);
    world.server.onCreate = once('lost_unknown');
    const { results, end } = await world.collect();
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4 }, batches: 1 } });
    expect(ids(results)).toEqual(['r-0', 'r-1', 'r-2', 'r-3']);
    expect(world.server.creates).toBe(2);
    expect(world.store.entries).toContainEqual(
      expect.objectContaining({
        type: 'not_sent',
        reason: expect.stringContaining(`${foreign.id} is not ours`) as string,
      }),
    );
  });

  it('is the nearest in time of several, and the next one after that was another’s', async () => {
    const world = new World({ requests: 4 });
    world.server.addForeign(4, START_MS - 1000, 'foreign-a');
    world.server.addForeign(4, START_MS - 120_000, 'foreign-b');
    world.server.onCreate = (number) => {
      if (number > 0) return null;
      return 'made_late';
    };
    await world.settle();
    const adopted = world.store.entries.flatMap((entry) =>
      entry.type === 'sent' && entry.isAdopted ? [entry.id] : [],
    );
    expect(adopted).toEqual(['msgbatch_0000', 'msgbatch_0002']);
    expect(world.server.submitted).toHaveLength(4);
  });

  it('that is gone before it is proven was another’s', async () => {
    const world = new World({ requests: 4 });
    const foreign = world.server.addForeign(4, START_MS + 100);
    world.server.onCreate = once('lost_unknown');
    world.server.onCall = (call, id) => {
      if (call === 'retrieve' && id === foreign.id) throw failure(404, 'not_found_error');
    };
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4 } } });
    expect(world.server.creates).toBe(2);
  });

  it('at a Batchwright is never another’s', async () => {
    const world = new World({ requests: 4 });
    world.server.isBatchwright = true;
    world.server.addForeign(4, START_MS + 100);
    world.server.onCreate = once('made_unknown');
    await world.settle();
    const adopted = world.store.entries.flatMap((entry) => (entry.type === 'sent' ? [entry.id] : []));
    expect(adopted).toEqual(['msgbatch_0001']);
  });
});

describe('a server that takes nothing now', () => {
  it('is asked again when it says, and no earlier', async () => {
    const world = new World({ requests: 4 });
    world.server.busyMs = 90_000;
    world.server.onCreate = (number) => (number < 2 ? 'busy' : null);
    await world.settle();
    expect(world.server.batches[0]?.createdAtMs).toBe(START_MS + 180_000);
  });

  it('is asked less and less often when it does not say', async () => {
    const world = new World({ requests: 4 });
    world.server.onCreate = (number) => (number < 4 ? 'busy' : null);
    await world.settle();
    expect(world.server.batches[0]?.createdAtMs).toBe(START_MS + 5000 + 10_000 + 20_000 + 40_000);
  });

  it('is asked again as soon as a batch has ended', async () => {
    const world = new World({ requests: 8, batchRequests: 4 });
    world.server.batchMs = 7000;
    world.server.retryAfterMs = 1000;
    world.server.onCreate = (number) => (number === 1 || number === 2 ? 'busy' : null);
    await world.settle();
    expect(world.server.batches[1]?.createdAtMs).toBeLessThan(START_MS + 10_000);
  });
});

describe('a refusal', () => {
  it('ends the run, which goes on when what is wrong is mended', async () => {
    const world = new World({ requests: 8, batchRequests: 4 });
    world.server.onCreate = (number) => (number === 1 ? 'unauthorized' : null);
    await expect(world.settle()).rejects.toMatchObject({ name: 'ServiceError', status: 401 });
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 8 } } });
    expect(world.server.submitted).toHaveLength(8);
  });

  it('of a batch that is too large cuts it in two, until it fits', async () => {
    const world = new World({ requests: 8, batchRequests: 8, groupSize: 8 });
    world.server.onCreate = (_, body) => (body.length > 2 ? 'too_large' : null);
    const { end, results } = await world.collect();
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 8 } } });
    expect(results).toHaveLength(8);
    expect(world.server.batches.map(({ requests }) => requests.length)).toEqual([1, 1, 2, 2, 2]);
    expect(world.server.batches.every(({ createdAtMs }, i) => i === 0 || createdAtMs >= START_MS + 60_000)).toBe(true);
  });

  it('of a single request that is too large ends the run', async () => {
    const world = new World({ requests: 2, batchRequests: 2 });
    world.server.onCreate = () => 'too_large';
    await expect(world.settle()).rejects.toMatchObject({ status: 413 });
  });
});

describe('waves', () => {
  it('go when those before are over and their results are here', async () => {
    const world = new World({ requests: 8, batchRequests: 8, groupSize: 4 });
    await world.settle();
    const [leaders, others] = world.server.batches;
    expect(leaders?.requests.map(({ custom_id: id }) => id)).toEqual(['r-0', 'r-4']);
    expect(others?.createdAtMs).toBeGreaterThanOrEqual(leaders?.endsAtMs ?? Infinity);
  });

  it('leave those out whose leader failed, and give them a leader of their own', async () => {
    const world = new World({ requests: 8, batchRequests: 8, groupSize: 4 });
    world.server.answer = ({ custom_id: id }) =>
      id === 'r-4' ? errored('invalid_request_error') : { type: 'succeeded', message: id };
    const { end } = await world.settle();
    const sent = world.server.batches.map(({ requests }) => requests.map(({ custom_id: id }) => id));
    expect(sent).toEqual([['r-0', 'r-4'], ['r-1', 'r-2', 'r-3'], ['r-5'], ['r-6', 'r-7']]);
    expect(end).toMatchObject({ report: { counts: { succeeded: 7, errored: 1 } } });
  });

  it('do not wait for ever for a leader that succeeds', async () => {
    const world = new World({ requests: 20, batchRequests: 20, groupSize: 20 });
    world.server.answer = () => errored('invalid_request_error');
    await world.settle();
    expect(world.server.batches.length).toBe(4);
    expect(world.server.submitted).toHaveLength(20);
  });

  it('are planned anew when what leaders wrote is gone by now', async () => {
    const world = new World({ requests: 4, batchRequests: 4, groupSize: 4 });
    world.server.batchMs = 10 * 60_000;
    await world.settle({ detach: true });
    await world.clock.advance(56 * 60_000);
    world.store = world.store.die();
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4 } } });
    const sent = world.server.batches.map(({ requests }) => requests.map(({ custom_id: id }) => id));
    expect(sent).toEqual([['r-0'], ['r-1'], ['r-2', 'r-3']]);
  });
});
