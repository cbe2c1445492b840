import type { Clock } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { ids, START_MS, World } from './bulk-run.fixture.ts';
import { failure, rateLimited, succeeded } from './fake-server.fixture.ts';

const HOUR_MS = 3_600_000;

describe('a clock that was set back, and stands still until it is that late again', () => {
  const standing = ({ clock }: World): Clock => ({
    now: () => START_MS,
    after: (delayMs, action) => clock.after(delayMs, action),
  });

  it('does not keep a run waiting for a server that took nothing for a while', async () => {
    const world = new World({ requests: 2 });
    world.server.onCreate = (number) => (number < 2 ? 'busy' : null);
    const { end } = await world.settle({ clock: standing(world) });
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 2 } } });
  });

  it('does not make polls rarer and rarer', async () => {
    const world = new World({ requests: 20, batchRequests: 1 });
    world.server.batchMs = HOUR_MS;
    await world.settle({ clock: standing(world) });
    expect(world.clock.now() - START_MS - HOUR_MS).toBeLessThan(60_000);
  });

  it('does not hide that a batch is gone', async () => {
    const world = new World({ requests: 2 });
    world.server.onCall = (call) => {
      if (call === 'retrieve') throw failure(404, 'not_found_error');
    };
    await expect(world.settle({ clock: standing(world) })).rejects.toMatchObject({ name: 'BatchFaultError' });
  });
});

describe('a server that limits calls', () => {
  it('is asked no more often for fifty batches than the smallest account may', async () => {
    const world = new World({ requests: 50, batchRequests: 1 });
    world.server.batchMs = HOUR_MS;
    const askedAtMs: number[] = [];
    world.server.onCall = (call) => {
      if (call === 'retrieve') askedAtMs.push(world.clock.now());
    };
    await world.settle();
    // The first question about each comes at once, and what has ended is fetched.
    const later = askedAtMs.filter((atMs) => atMs > START_MS + 60_000 && atMs < START_MS + HOUR_MS);
    expect(later.length / 59).toBeLessThan(50);
    expect(later.length / 59).toBeGreaterThan(20);
    expect(world.clock.now() - START_MS - HOUR_MS).toBeLessThan(2 * 60_000);
  });
});

describe('results that a disk has lost', () => {
  it('are fetched again, those of requests that were tried again too', async () => {
    const world = new World({ requests: 6, batchRequests: 3 });
    world.server.answer = ({ custom_id: id }, attempt) =>
      id === 'r-1' && attempt === 1 ? rateLimited : succeeded(`${id} ${attempt}`);
    const { results: before } = await world.collect();
    for (const name of ['results-0', 'results-2'] as const) {
      const log = await world.store.openLog(name);
      await log.truncate(log.size - 7);
      await log.sync();
    }
    world.store = world.store.die();
    const { results, end } = await world.collect();
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 6 }, retried: { requests: 1 } } });
    expect(ids(results)).toEqual(ids(before));
    expect(world.server.creates).toBe(3);
  });

  it('are named where the server has others now', async () => {
    const world = new World({ requests: 3 });
    await world.settle();
    const log = await world.store.openLog('results-0');
    await log.truncate(log.size - 7);
    await log.sync();
    world.store = world.store.die();
    world.server.serve = (lines) => lines.map((line) => line.replace('}', ' }'));
    await expect(world.settle()).rejects.toMatchObject({
      name: 'BatchFaultError',
      message: expect.stringMatching(/they were \d+ bytes and are \d+/) as string,
    });
  });
});
