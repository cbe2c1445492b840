import { describe, expect, it } from 'vitest';
import type { ByteLog, LogName, RunStore } from '../store/run-store.ts';
import { StoreFullError } from '../store/run-store.ts';
import { World } from './bulk-run.fixture.ts';
import { rateLimited, succeeded } from './fake-server.fixture.ts';
import type { Judge, RunOptions } from './run-options.ts';

const REQUESTS = 9;

/** Rounds, waves, a lost create, a judge: a run that comes by everything. */
function busyWorld(isBatchwright: boolean): World {
  const world = new World({ requests: REQUESTS, batchRequests: 4, groupSize: 3 });
  world.server.isBatchwright = isBatchwright;
  world.server.batchMs = 5000;
  world.server.onCreate = (number) => (number === 1 ? 'made_unknown' : number === 2 ? 'busy' : null);
  world.server.answer = ({ custom_id: id }, attempt) => {
    if (id === 'r-4' && attempt === 1) return rateLimited;
    return succeeded(id === 'r-2' && attempt === 1 ? 'bad' : `${id} good`);
  };
  return world;
}

const judge: Judge = async ({ line }, params) =>
  new TextDecoder().decode(line).includes('bad')
    ? { type: 'rejected', reason: 'bad', params: { ...(await params()), max_tokens: 11 } }
    : { type: 'accepted' };

/** What a run that was never interrupted comes to. */
async function expectWhole(world: World): Promise<void> {
  const { results, end } = await world.collect({ judge });
  expect(end).toMatchObject({
    type: 'settled',
    report: { counts: { succeeded: REQUESTS }, rejected: 0, retried: { requests: 2, attempts: 2 } },
  });
  expect(results).toHaveLength(REQUESTS);
  expect(world.server.submitted).toHaveLength(REQUESTS + 2);
}

/** A store whose n-th effect finds the disk full. */
function fullAt(store: RunStore, at: number): { readonly store: RunStore; readonly count: () => number } {
  let count = 0;
  const spend = (): void => {
    if (++count === at) throw new StoreFullError('no space left');
  };
  const spending = (log: ByteLog): ByteLog => ({
    get size() {
      return log.size;
    },
    append: async (bytes) => {
      spend();
      await log.append(bytes);
    },
    read: (offset, length) => log.read(offset, length),
    truncate: (size) => log.truncate(size),
    sync: async () => {
      spend();
      await log.sync();
    },
    close: () => log.close(),
  });
  return {
    count: () => count,
    store: {
      readJournal: () => store.readJournal(),
      appendJournal: async (entry) => {
        spend();
        await store.appendJournal(entry);
      },
      openLog: async (name: LogName) => spending(await store.openLog(name)),
      removeLog: (name) => store.removeLog(name),
      clear: () => store.clear(),
      close: () => store.close(),
    },
  };
}

describe.each([false, true])('a run (a Batchwright: %j)', (isBatchwright) => {
  it('whose disk is full, at whatever it writes, says so and goes on from there', async () => {
    const whole = fullAt(busyWorld(isBatchwright).store, Infinity);
    await expectSettled(busyWorld(isBatchwright), { store: whole.store });
    expect(whole.count()).toBeGreaterThan(40);
    for (let at = 1; at <= whole.count(); at++) {
      const world = busyWorld(isBatchwright);
      const full = fullAt(world.store, at);
      const run = world.run({ judge, store: full.store });
      const failed = await world.until(run.settle()).catch((error: unknown) => error);
      if (full.count() < at) continue;
      expect(failed).toBeInstanceOf(StoreFullError);
      await run.close();
      expect(world.clock.pendingCount).toBe(0);
      await expectWhole(world);
    }
  });

  it('left at whatever it does leaves nothing behind it, and goes on from there', async () => {
    for (let at = 1; ; at++) {
      const world = busyWorld(isBatchwright);
      const leave = new AbortController();
      let steps = 0;
      const step = (): void => {
        if (++steps === at) leave.abort();
      };
      world.store.onNote = step;
      world.server.onCall = step;
      const run = world.run({ judge, reached: step, signal: leave.signal });
      const end = await world.until(run.settle());
      if (steps < at) break;
      expect(['left', 'settled']).toContain(end.type);
      await run.close();
      expect(world.clock.pendingCount).toBe(0);
      world.store.onNote = () => undefined;
      world.server.onCall = () => undefined;
      await expectWhole(world);
    }
  });
});

async function expectSettled(world: World, options: RunOptions): Promise<void> {
  expect((await world.settle({ judge, ...options })).end.type).toBe('settled');
}
