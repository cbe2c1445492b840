import { describe, expect, it } from 'vitest';
import { ids, START_MS, World } from './bulk-run.fixture.ts';
import { succeeded } from './fake-server.fixture.ts';
import type { Judge } from './run-options.ts';

const HOUR_MS = 3_600_000;

/** A world in which the first create is made, and nobody is told. */
function worldWithLost(fault: 'made_unknown' | 'lost_unknown' = 'made_unknown'): World {
  const world = new World({ requests: 4 });
  world.server.onCreate = (number) => (number === 0 ? fault : null);
  return world;
}

const asked = (content: string) => ({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content }] });

describe('a lost create', () => {
  it.each([-HOUR_MS, HOUR_MS])('is found where the server’s clock is %j ms ahead', async (aheadMs) => {
    const world = worldWithLost();
    world.server.aheadMs = aheadMs;
    // As far from the time that we take it for as ours is.
    world.server.addForeign(4, START_MS - aheadMs);
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4 } } });
    expect(world.server.creates).toBe(1);
    expect(world.store.entries.filter(({ type }) => type === 'not_sent')).toEqual([]);
  });

  it('is found behind as many newer batches as others made meanwhile', async () => {
    const world = worldWithLost();
    for (let i = 0; i < 250; i++) world.server.addForeign(3, START_MS - i);
    await world.settle();
    expect(world.server.creates).toBe(1);
  });

  it('at a Batchwright is not a batch that has the same names for other requests', async () => {
    const world = worldWithLost('lost_unknown');
    world.server.isBatchwright = true;
    world.server.addForeign(4, START_MS, 'r');
    const { results } = await world.collect();
    expect(world.server.creates).toBe(2);
    expect(results.map(({ line }) => new TextDecoder().decode(line)).join('')).not.toContain('r-0 foreign');
    expect(world.store.entries.some((entry) => entry.type === 'sent' && entry.isAdopted)).toBe(false);
  });

  it.each([
    ['in a round of its own', 0],
    ['as a leader, planned again with those who waited for it', 3],
  ])('of what a judge wants asked with other words, %s, is found with those words', async (_, groupSize) => {
    const world = new World({ requests: 3, groupSize });
    world.server.isBatchwright = true;
    // What the leader wrote is not cached any more.
    world.server.batchMs = HOUR_MS;
    const judge: Judge = ({ line, customId }) =>
      customId === 'r-0' && !new TextDecoder().decode(line).includes('please')
        ? { type: 'rejected', reason: 'rude', params: asked('question 0, please') }
        : { type: 'accepted' };
    world.server.answer = ({ params }) => succeeded(params.messages[0]?.content ?? '');
    const reached = (point: string): void => {
      if (point === 'after_create' && world.server.creates === 2) throw new Error('killed');
    };
    await expect(world.settle({ judge, reached })).rejects.toThrow('killed');
    // Nothing survives but what was synced.
    world.store = world.store.die(() => 0);
    expect((await world.settle({ judge })).end).toMatchObject({ report: { counts: { succeeded: 3 }, rejected: 0 } });
    const requests = world.server.batches.flatMap((batch) => batch.requests);
    const asks = requests.filter(({ custom_id: id }) => id === 'r-0').map(({ params }) => params.messages[0]?.content);
    expect(asks).toEqual(['question 0', 'question 0, please']);
  });
});

describe('a batch taken for ours', () => {
  it.each([
    ['short', (lines: readonly string[]) => lines.slice(1)],
    ['empty', () => []],
    ['garbled', (lines: readonly string[]) => [...lines.slice(1), '{"custom_id":"r-0","resul']],
    ['double', (lines: readonly string[]) => [...lines, lines[0] ?? '']],
  ])('is not given up, and sent again, for a file that is %s', async (_, spoil) => {
    const world = worldWithLost();
    let isSpoilt = true;
    world.server.serve = (lines) => (isSpoilt ? spoil(lines) : lines);
    await expect(world.settle()).rejects.toMatchObject({ name: 'BatchFaultError' });
    isSpoilt = false;
    world.store = world.store.die();
    const { results, end } = await world.collect();
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4 } } });
    expect(ids(results)).toEqual(['r-0', 'r-1', 'r-2', 'r-3']);
    expect(world.server.creates).toBe(1);
  });

  it('is not canceled before it is proven, since it may be another’s', async () => {
    const world = worldWithLost('lost_unknown');
    const foreign = world.server.addForeign(4, START_MS + 100);
    const run = world.run();
    const settled = run.settle();
    const canceled = (async () => {
      while (!world.types().includes('sent')) await new Promise((resolve) => setImmediate(resolve));
      await run.cancel();
    })();
    await world.until(canceled);
    expect(await world.until(settled)).toMatchObject({ type: 'settled', report: { unsettled: 4 } });
    expect(foreign.isCanceled).toBe(false);
    expect(world.server.creates).toBe(1);
  });

  it('nor is it when a run that was canceled is taken up', async () => {
    const world = worldWithLost('lost_unknown');
    const foreign = world.server.addForeign(4, START_MS + 100);
    const reached = (point: string): void => {
      if (point === 'after_create') throw new Error('killed');
    };
    await expect(world.settle({ reached })).rejects.toThrow('killed');
    world.store = world.store.die();
    await world.store.appendJournal({ type: 'canceled', atMs: START_MS });
    expect((await world.settle()).end).toMatchObject({ type: 'settled', report: { unsettled: 4 } });
    expect(foreign.isCanceled).toBe(false);
  });
});
