import { describe, expect, it } from 'vitest';
import { all, World } from './bulk-run.fixture.ts';
import { errored, rateLimited, succeeded } from './fake-server.fixture.ts';
import type { RunEnd } from './bulk-run.ts';
import type { RunOptions } from './run-options.ts';

/** Runs to the end and notes it; the next process finds what was synced. */
async function finish(world: World, options: RunOptions = {}): Promise<RunEnd> {
  const { run, end } = await world.settle(options);
  if (end.type === 'settled') await run.finish();
  else await run.close();
  world.store = world.store.die();
  return end;
}

/** Six requests: one is wrong in itself, one is turned away every time, one is answered badly. */
function worldWithFailures(): World {
  const world = new World({ requests: 6, batchRequests: 6 });
  world.server.answer = ({ custom_id: id }) => {
    if (id === 'r-1') return errored('invalid_request_error');
    if (id === 'r-3') return rateLimited;
    return succeeded(id === 'r-4' ? 'bad' : id);
  };
  return world;
}

const judge: RunOptions['judge'] = ({ line }) =>
  new TextDecoder().decode(line).includes('bad')
    ? { type: 'rejected', reason: 'bad', params: null }
    : { type: 'accepted' };

const COUNTS = { requests: 6, succeeded: 4, errored: 2, canceled: 0, expired: 0, rejected: 1 };

describe('a finished run of which some failed', () => {
  it('keeps what it needs to try them again, and says what it came to', async () => {
    const world = worldWithFailures();
    await finish(world, { judge });
    expect(world.store.logNames).toEqual(expect.arrayContaining(['requests', 'batch-0', 'results-0']));
    const { creates } = world.server;
    expect(await finish(world, { judge })).toMatchObject({ type: 'already_finished', counts: COUNTS });
    expect(world.server.creates).toBe(creates);
    expect(world.store.logNames).toContain('requests');
  });

  it('tries each of them as often again, whatever it failed by, and nothing else', async () => {
    const world = worldWithFailures();
    await finish(world, { judge });
    const before = world.server.submitted.length;
    const end = await finish(world, { judge, retryFailed: true });
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4, errored: 2 }, rejected: 1 } });
    expect(world.server.submitted.slice(before).toSorted()).toEqual(['r-1', 'r-3', 'r-3', 'r-3', 'r-4']);
    expect(world.types().slice(-1)).toEqual(['finished']);
    // And once more, as often as somebody wants.
    await finish(world, { judge, retryFailed: true, attempts: 1 });
    expect(world.server.submitted.slice(before + 5).toSorted()).toEqual(['r-1', 'r-3', 'r-4']);
  });

  it('yields all results of both times, and keeps nothing once all is well', async () => {
    const world = worldWithFailures();
    await finish(world, { judge });
    world.server.answer = ({ custom_id: id }) => succeeded(`${id} at last`);
    const { run, end, results } = await world.collect({ judge, retryFailed: true });
    expect(end).toMatchObject({ report: { counts: { succeeded: 6 }, rejected: 0, batches: 4, unsettled: 0 } });
    expect(results).toHaveLength(6);
    expect((await all(run.results('input'))).map(({ attempts }) => attempts)).toEqual([1, 2, 1, 4, 2, 1]);
    await run.finish();
    expect(world.store.logNames).toEqual([]);
    world.store = world.store.die();
    expect(await finish(world, { retryFailed: true })).toMatchObject({
      type: 'already_finished',
      counts: { ...COUNTS, succeeded: 6, errored: 0, rejected: 0 },
    });
  });

  it('goes on where it was left, asked to try again or not', async () => {
    const world = worldWithFailures();
    await finish(world);
    await finish(world, { retryFailed: true, detach: true });
    expect(world.server.submitted).toHaveLength(6 + 2 + 2);
    const end = await finish(world);
    expect(end).toMatchObject({ type: 'settled', report: { counts: { succeeded: 4, errored: 2 } } });
    expect(world.server.submitted).toHaveLength(6 + 2 + 2 + 2);
  });
});

describe('a run that was canceled', () => {
  it('sends what it had not sent, and what was canceled, when it is taken up for what failed', async () => {
    const world = new World({ requests: 6, batchRequests: 2 });
    const run = world.run({ queuedRequests: 2, reached: (point) => void (point === 'sent' && void run.cancel()) });
    expect(await world.until(run.settle())).toMatchObject({ report: { counts: { canceled: 2 }, unsettled: 4 } });
    await run.finish();
    world.store = world.store.die();
    expect(await finish(world)).toMatchObject({ counts: { requests: 6, succeeded: 0, canceled: 2 } });
    expect(await finish(world, { retryFailed: true })).toMatchObject({ report: { counts: { succeeded: 6 } } });
    expect(world.server.submitted).toHaveLength(8);
  });
});

describe('a run that an earlier version finished', () => {
  it('has nothing to try again, and does not say what it came to', async () => {
    const world = new World();
    await finish(world);
    const { entries } = world.store;
    await world.store.clear();
    for (const entry of entries) {
      await world.store.appendJournal(entry.type === 'finished' ? { type: 'finished', atMs: entry.atMs } : entry);
    }
    expect(await finish(world, { retryFailed: true })).toMatchObject({ type: 'already_finished', counts: null });
  });
});
