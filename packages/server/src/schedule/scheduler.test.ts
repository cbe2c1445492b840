import type { BatchRecord } from '@batchwright/core';
import { BATCH_LIFETIME_MS, microsecondsFromMs } from '@batchwright/protocol';
import { describe, expect, it, vi } from 'vitest';
import type { Catalog } from '../catalog/catalog.ts';
import { silentLog } from '../observe/log.ts';
import { error, names, setUp } from '../runtime/engine.fixture.ts';
import type { Spool } from '../spool/spool.ts';

/** A spool that fails as often as it is told to, and counts the logs it has handed out and not got back. */
function fragileSpool() {
  const faults = { requests: 0, results: 0, commits: 0 };
  const open = { requests: 0, results: 0 };
  const strike = (what: keyof typeof faults): void => {
    if (faults[what]-- > 0) throw new Error('EMFILE');
    faults[what] = 0;
  };
  const wrap = (spool: Spool): Spool => ({
    ...spool,
    async openRequestLog(id) {
      strike('requests');
      const log = await spool.openRequestLog(id);
      open.requests++;
      return { ...log, close: () => ((open.requests -= 1), log.close()) };
    },
    async openResultLog(id, shard, epoch) {
      strike('results');
      const log = await spool.openResultLog(id, shard, epoch);
      open.results++;
      return {
        ...log,
        commit: async (chunk) => (strike('commits'), log.commit(chunk)),
        close: () => ((open.results -= 1), log.close()),
      };
    },
  });
  return { faults, open, wrap };
}

/** A catalog whose named method of shards or batches fails as often as it is told to. */
function fragileCatalog() {
  const faults = { find: 0, claim: 0, end: 0, recordProgress: 0, release: 0 };
  const strike = (what: keyof typeof faults): void => {
    if (faults[what]-- > 0) throw new Error('disk I/O error');
    faults[what] = 0;
  };
  const wrap = (catalog: Catalog): Catalog => ({
    ...catalog,
    batches: { ...catalog.batches, find: async (...args) => (strike('find'), catalog.batches.find(...args)) },
    shards: {
      ...catalog.shards,
      claim: async (...args) => (strike('claim'), catalog.shards.claim(...args)),
      end: async (...args) => (strike('end'), catalog.shards.end(...args)),
      recordProgress: async (...args) => (strike('recordProgress'), catalog.shards.recordProgress(...args)),
      release: async (...args) => (strike('release'), catalog.shards.release(...args)),
    },
  });
  return { faults, wrap };
}

/** Patience with a thousand batches, on a machine that has other things to do. */
const A_THOUSAND_BATCHES_MS = 60_000;

describe('Scheduler', () => {
  it.each(['requests', 'results'] as const)('tries a batch again whose %s could not be opened', async (what) => {
    const spool = fragileSpool();
    const { upstream, create, find, advance, quiet } = await setUp({ spool: spool.wrap });
    spool.faults[what] = 2;
    const batch = await create(['a']);
    expect(upstream.calls).toEqual([]);
    await advance(10_000);
    upstream.calls[0]?.answer();
    await quiet();
    expect((await find(batch)).status).toBe('ended');
    expect(spool.open).toEqual({ requests: 0, results: 0 });
  });

  it('tries a batch again that the catalog would not show', async () => {
    const spool = fragileSpool();
    const catalog = fragileCatalog();
    const { upstream, create, find, advance, quiet } = await setUp({ spool: spool.wrap, catalog: catalog.wrap });
    catalog.faults.find = 1;
    const batch = await create(['a']);
    await advance(10_000);
    upstream.calls[0]?.answer();
    await quiet();
    expect((await find(batch)).status).toBe('ended');
    expect(spool.open).toEqual({ requests: 0, results: 0 });
  });

  it('heeds a cancel that came while a batch could not be opened', async () => {
    const spool = fragileSpool();
    const { upstream, create, cancel, find, advance } = await setUp({ spool: spool.wrap });
    spool.faults.requests = 1;
    const batch = await create(['a', 'b']);
    await cancel(batch);
    await advance(10_000);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { canceled: 2 } });
    expect(upstream.calls).toEqual([]);
  });

  it.each(['shows', 'fails to show'])(
    'is done with a batch that a cancel ended while the catalog was asked for it, and then %s it',
    async (how) => {
      const spool = fragileSpool();
      let opened = 0;
      let goOn = (): void => {};
      let isAsked = (): void => {};
      const held = new Promise<void>((resolve) => (goOn = resolve));
      const asked = new Promise<void>((resolve) => (isAsked = resolve));
      const { engine, catalog, clock, create, find, quiet } = await setUp({
        spool: (inner) => spool.wrap({ ...inner, openRequestLog: (id) => (opened++, inner.openRequestLog(id)) }),
        catalog: (inner) => ({
          ...inner,
          batches: {
            ...inner.batches,
            async find(...args) {
              const batch = await inner.batches.find(...args);
              isAsked();
              await held;
              if (how === 'fails to show') throw new Error('disk I/O error');
              return batch;
            },
          },
        }),
        awaitOpening: false,
      });
      const added = vi.spyOn(engine.dispatcher, 'add');
      const batch = await create(['a', 'b']);
      await asked;
      const nowUs = microsecondsFromMs(clock.now());
      const canceling = await catalog.batches.cancel(batch.workspaceId, batch.id, nowUs);
      if (canceling === 'missing') throw new Error('no such batch');
      const ended = new Promise<void>((resolve) => {
        engine.scheduler.listen(batch.id, (change) => (change === 'ended' ? resolve() : undefined));
      });
      engine.scheduler.cancelRequested(canceling);
      await ended;
      goOn();
      await quiet();
      await clock.advance(5000, quiet);
      expect(await find(batch)).toMatchObject({ status: 'ended', counts: { canceled: 2 } });
      expect(added).not.toHaveBeenCalled();
      expect(opened).toBe(1);
      expect(spool.open).toEqual({ requests: 0, results: 0 });
    },
  );

  it('tells who listens to a batch of each change, and last of all that it has ended', async () => {
    const { engine, upstream, create, quiet } = await setUp();
    const batch = await create(['a', 'b']);
    const heard: string[] = [];
    engine.scheduler.listen(batch.id, (change) => {
      heard.push(`${change}, ${engine.scheduler.details(batch.id)?.states.settled} settled`);
    });
    for (const call of upstream.calls) {
      call.answer();
      await quiet();
    }
    expect(heard).toEqual(['moved, 1 settled', 'moved, 2 settled', 'ended, 2 settled']);
  });

  it('knows where each request of a running batch stands', async () => {
    const { engine, upstream, create, quiet } = await setUp({ concurrency: 2 });
    const batch = await create(names('p', 4));
    upstream.calls[0]?.answer(529, error('overloaded_error', 'busy'));
    await quiet();
    const states = (): (string | null)[] =>
      [0, 1, 2, 3].map((request) => engine.scheduler.requestState(batch.id, request));
    expect(states()).toEqual(['backing_off', 'dispatched', 'pending', 'pending']);
    upstream.calls[1]?.answer();
    await quiet();
    expect(states()[1]).toBe('settled');
  });

  it('keeps the other batches running while one cannot be opened', async () => {
    const spool = fragileSpool();
    const { upstream, create, find, quiet } = await setUp({ spool: spool.wrap });
    spool.faults.requests = 1000;
    await create(['never']);
    spool.faults.requests = 0;
    const other = await create(['other']);
    upstream.calls[0]?.answer();
    await quiet();
    expect((await find(other)).status).toBe('ended');
  });

  it('expires a batch that could be opened only after its day was over', async () => {
    const spool = fragileSpool();
    const { create, find, advance } = await setUp({ spool: spool.wrap });
    spool.faults.requests = 1_000_000;
    const batch = await create(['a']);
    await advance(BATCH_LIFETIME_MS);
    spool.faults.requests = 0;
    await advance(3_600_000);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { expired: 1 } });
  });

  it('claims and ends again after the catalog failed', async () => {
    const catalog = fragileCatalog();
    const { upstream, create, find, advance, quiet } = await setUp({ catalog: catalog.wrap });
    catalog.faults.claim = 2;
    const batch = await create(['a']);
    await advance(5000);
    catalog.faults.end = 2;
    upstream.calls[0]?.answer();
    await quiet();
    expect((await find(batch)).status).toBe('in_progress');
    await advance(5000);
    expect((await find(batch)).status).toBe('ended');
  });

  it.each(['claim', 'end', 'open', 'commit', 'backoff'] as const)(
    'leaves no timer when stopped after a failed %s',
    async (what) => {
      const spool = fragileSpool();
      const catalog = fragileCatalog();
      const { clock, engine, upstream, create, advance, quiet } = await setUp({
        spool: spool.wrap,
        catalog: catalog.wrap,
      });
      if (what === 'claim') catalog.faults.claim = 1;
      if (what === 'open') spool.faults.results = 1;
      await create(names('p', 2));
      if (what === 'end') catalog.faults.end = 1;
      if (what === 'commit') spool.faults.commits = 9;
      const [status, body] = what === 'backoff' ? [529, error('overloaded_error', 'busy')] : [200, undefined];
      for (const call of upstream.calls) call.answer(status, body);
      await quiet();
      await advance(10);
      await engine.stop();
      await quiet();
      expect(clock.pendingCount).toBe(0);
    },
  );

  it('opens nothing more once it stops, and frees what it had claimed', async () => {
    const opened: string[] = [];
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { engine, catalog, clock, create } = await setUp({
      spool: (spool) => ({
        ...spool,
        async openRequestLog(id) {
          opened.push(id);
          await held;
          return spool.openRequestLog(id);
        },
      }),
      awaitOpening: false,
    });
    for (let i = 0; i < 5; i++) await create(['a']);
    const stopped = engine.stop();
    goOn();
    await stopped;
    expect(opened).toHaveLength(1);
    expect(await catalog.shards.claim('next', microsecondsFromMs(clock.now()), 1000, 10)).toHaveLength(5);
  });

  it('closes what it was opening when it is stopped, even if leases cannot be given back', async () => {
    const [spool, catalog] = [fragileSpool(), fragileCatalog()];
    let opening = 0;
    const gates: (() => void)[] = [];
    const held = [0, 1].map(() => new Promise<void>((resolve) => gates.push(resolve)));
    const { engine, clock, create } = await setUp({
      catalog: catalog.wrap,
      spool: (inner) =>
        spool.wrap({
          ...inner,
          async openRequestLog(id) {
            await held[Math.min(opening++, 1)];
            return inner.openRequestLog(id);
          },
        }),
      awaitOpening: false,
    });
    // The first is held up alone, so that the others are claimed together.
    for (let i = 0; i < 7; i++) await create(['a']);
    gates[0]?.();
    await vi.waitFor(() => expect(opening).toBe(5));
    catalog.faults.release = 2;
    const stopped = engine.stop();
    gates[1]?.();
    await clock.advance(5000);
    await stopped;
    expect(catalog.faults.release).toBe(0);
    expect(spool.open).toEqual({ requests: 0, results: 0 });
  });

  it('heeds a cancel that came while a batch was being opened, whatever became of its budget then', async () => {
    let asked: ((batch: BatchRecord) => void) | null = null;
    let isOpening = (): void => {};
    let goOn = (): void => {};
    const opening = new Promise<void>((resolve) => (isOpening = resolve));
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { engine, catalog, clock, upstream, create, find, advance } = await setUp({
      spool: (inner) => ({
        ...inner,
        async openRequestLog(id) {
          isOpening();
          await held;
          return inner.openRequestLog(id);
        },
      }),
      catalog: (inner) => ({
        ...inner,
        batches: {
          ...inner.batches,
          async find(...args) {
            const found = await inner.batches.find(...args);
            if (found !== null) asked?.(found);
            return found;
          },
        },
      }),
      awaitOpening: false,
    });
    const batch = await create(['a', 'b']);
    await opening;
    const now = microsecondsFromMs(clock.now());
    const canceled = await catalog.batches.cancel(batch.workspaceId, batch.id, now);
    engine.scheduler.cancelRequested(canceled as BatchRecord);
    // Between the scheduler's question and its answer.
    asked = (found) => {
      asked = null;
      engine.scheduler.budgetChanged({ ...found, options: { ...found.options, budgetNanoUsd: 5_000_000_000 } });
    };
    goOn();
    await advance(10_000);
    expect(asked).toBeNull();
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { canceled: 2 } });
    expect(upstream.calls).toEqual([]);
  });

  it('sends nothing before all batches of the last process are open', async () => {
    const first = await setUp();
    for (let i = 0; i < 3; i++) await first.create(['a']);
    const stopped = first.engine.stop();
    await first.clock.advance(5000);
    await stopped;
    let opened = 0;
    const { upstream, quiet } = await setUp({
      catalog: () => first.catalog,
      spool: () => ({
        ...first.spool,
        async openRequestLog(id) {
          opened++;
          for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
          return first.spool.openRequestLog(id);
        },
      }),
    });
    expect({ opened, calls: upstream.calls.length }).toEqual({ opened: 3, calls: 0 });
    await quiet();
    expect(upstream.calls).toHaveLength(3);
  });

  it('shows, from the moment it has started, every result that was seen before a crash', async () => {
    const first = await setUp({ concurrency: 3 });
    const batch = await first.create(names('p', 3));
    for (const call of first.upstream.calls.slice(0, 2)) {
      call.answer();
      await first.quiet();
    }
    // The checkpoint is behind, since both answers came within a second.
    expect((await first.find(batch)).counts.succeeded).toBe(0);
    expect(first.engine.scheduler.counts(batch.id)?.succeeded).toBe(2);
    const { engine } = await setUp({
      catalog: () => first.catalog,
      spool: () => ({
        ...first.spool,
        async openRequestLog(id) {
          for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
          return first.spool.openRequestLog(id);
        },
      }),
    });
    expect(engine.scheduler.counts(batch.id)?.succeeded).toBe(2);
  });

  it(
    'cancels at once what waits for its turn behind the batches that are open',
    async () => {
      const { upstream, create, cancel, find, quiet } = await setUp({ concurrency: 1, awaitOpening: false });
      for (let i = 0; i < 1000; i++) await create(['a']);
      const waiting = await create(['b', 'c']);
      await quiet();
      await cancel(waiting);
      expect(await find(waiting)).toMatchObject({ status: 'ended', counts: { canceled: 2 } });
      expect(upstream.calls).toHaveLength(1);
    },
    A_THOUSAND_BATCHES_MS,
  );

  it(
    'opens no more than a thousand batches after a time in which none could be opened',
    async () => {
      const spool = fragileSpool();
      const { create, advance, quiet } = await setUp({ spool: spool.wrap, awaitOpening: false });
      spool.faults.requests = 1_000_000;
      for (let i = 0; i < 1100; i++) await create(['a']);
      await quiet();
      await advance(5000);
      spool.faults.requests = 0;
      await advance(60_000);
      expect(spool.open).toEqual({ requests: 1000, results: 1000 });
    },
    A_THOUSAND_BATCHES_MS,
  );

  it('tries a damaged batch every minute, says so ever more rarely, and takes it up once it is mended', async () => {
    const spool = fragileSpool();
    let said = 0;
    const log = { ...silentLog, error: () => void said++ };
    const { create, advance, find, engine } = await setUp({ spool: spool.wrap, log, awaitOpening: false });
    spool.faults.requests = Infinity;
    const batch = await create(['a']);
    for (let minute = 0; minute < 12 * 60; minute++) await advance(60_000);
    expect(engine.scheduler.unopened).toBe(1);
    // At first at each failure, then after two minutes, four, …, at last every hour.
    expect(said).toBeGreaterThan(10);
    expect(said).toBeLessThan(30);
    spool.faults.requests = 0;
    await advance(60_000);
    expect(engine.scheduler.unopened).toBe(0);
    expect((await find(batch)).status).toBe('in_progress');
    expect(spool.open).toEqual({ requests: 1, results: 1 });
  });

  it('gives the places of batches that cannot be opened to others', async () => {
    const spool = fragileSpool();
    const { create, advance, quiet, engine } = await setUp({ spool: spool.wrap, awaitOpening: false });
    spool.faults.requests = 1_000_000;
    for (let i = 0; i < 500; i++) await create(['a']);
    await quiet();
    expect(engine.scheduler.unopened).toBe(500);
    spool.faults.requests = 0;
    for (let i = 0; i < 700; i++) await create(['a']);
    await quiet();
    expect(spool.open.requests).toBe(700);
    await advance(60_000);
    expect(spool.open.requests).toBe(1000);
  });

  it('reads the files of no more than four batches at once', async () => {
    const first = await setUp();
    for (let i = 0; i < 20; i++) await first.create(['a']);
    const stopped = first.engine.stop();
    await first.clock.advance(5000);
    await stopped;
    let [reading, most] = [0, 0];
    await setUp({
      catalog: () => first.catalog,
      spool: () => ({
        ...first.spool,
        async openRequestLog(id) {
          most = Math.max(most, ++reading);
          for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
          reading--;
          return first.spool.openRequestLog(id);
        },
      }),
    });
    expect(most).toBe(4);
  });

  it('leaves no timer when a batch is canceled after it has stopped', async () => {
    const { clock, engine, create, cancel } = await setUp();
    const batch = await create(['a']);
    const stopped = engine.stop();
    await clock.advance(5000);
    await stopped;
    await cancel(batch);
    expect(clock.pendingCount).toBe(0);
  });

  it('checkpoints counters no more than some twenty times a second, however many batches run', async () => {
    let checkpoints = 0;
    const { upstream, create, advance } = await setUp({
      concurrency: 200,
      catalog: (catalog) => ({
        ...catalog,
        shards: {
          ...catalog.shards,
          recordProgress: (...args) => (checkpoints++, catalog.shards.recordProgress(...args)),
        },
      }),
    });
    for (let i = 0; i < 100; i++) await create(names('p', 30));
    let answered = 0;
    for (let second = 0; second < 10; second++) {
      const { length } = upstream.calls;
      while (answered < length) upstream.calls[answered++]?.answer();
      await advance(1000);
    }
    expect(answered).toBeGreaterThan(1000);
    expect(checkpoints).toBeLessThanOrEqual(10 * 20);
    expect(checkpoints).toBeGreaterThan(50);
  });

  it('writes to the catalog twice for a small batch: when it is claimed, and when it has ended', async () => {
    const writes: string[] = [];
    const { upstream, create, find, quiet } = await setUp({
      catalog: (catalog) => ({
        ...catalog,
        shards: {
          ...catalog.shards,
          claim: async (...args) => {
            const leases = await catalog.shards.claim(...args);
            if (leases.length > 0) writes.push('claim');
            return leases;
          },
          recordProgress: (...args) => (writes.push('progress'), catalog.shards.recordProgress(...args)),
          end: (...args) => (writes.push('end'), catalog.shards.end(...args)),
        },
      }),
    });
    const batch = await create(['a', 'b', 'c']);
    for (const call of upstream.calls) {
      call.answer();
      await quiet();
    }
    expect((await find(batch)).status).toBe('ended');
    expect(writes).toEqual(['claim', 'end']);
  });
});
