import { LIMITS } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { error, names, setUp } from '../runtime/engine.fixture.ts';
import type { RequestIndex, RequestLog, Spool } from '../spool/spool.ts';

/** A spool whose request logs are changed on the way to the engine. */
const withLogs =
  (change: (log: RequestLog) => Partial<RequestLog>) =>
  (spool: Spool): Spool => ({
    ...spool,
    async openRequestLog(id) {
      const log = await spool.openRequestLog(id);
      return { ...log, ...change(log) };
    },
  });

/** Says of every request that it has `bytes`; what is read stays short, so that a test need not hold gigabytes. */
const claiming = (bytes: number) =>
  withLogs(({ index }) => ({ index: { ...index, paramsBytes: index.paramsBytes.map(() => bytes) } as RequestIndex }));

describe('Dispatcher', () => {
  it('refuses a request that is longer than a Messages body may be, without reading it', async () => {
    const { upstream, create, rows } = await setUp({ spool: claiming(LIMITS.messageBodyBytes + 1) });
    const batch = await create(['a']);
    expect(upstream.calls).toEqual([]);
    const message = 'Request exceeds the maximum size of 33554432 bytes.';
    expect(await rows(batch)).toMatchObject([
      { result: { type: 'errored', error: { error: { type: 'invalid_request_error', message }, request_id: null } } },
    ]);
  });

  it('holds no more than a gigabyte of params in flight, and goes on as answers come', async () => {
    const { upstream, create, find, quiet } = await setUp({
      spool: claiming(LIMITS.messageBodyBytes),
      concurrency: 64,
    });
    const batch = await create(names('p', 150));
    let most = 0;
    for (let answered = 0; answered < 150; answered++) {
      most = Math.max(most, upstream.calls.length - answered);
      upstream.calls[answered]?.answer();
      await quiet();
    }
    expect(most).toBe(32);
    expect((await find(batch)).status).toBe('ended');
  });

  it('sends nothing that was still being read when it was told to stop', async () => {
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const spool = withLogs((log) => ({
      peekParams: () => null,
      readParams: (request) => held.then(() => log.readParams(request)),
    }));
    const { upstream, engine, create, find } = await setUp({ spool, awaitOpening: false });
    const batch = await create(['a']);
    while (engine.dispatcher.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    const stopped = engine.stop();
    goOn();
    await stopped;
    expect(upstream.calls).toEqual([]);
    expect(engine.dispatcher.inFlight).toBe(0);
    expect((await find(batch)).counts.processing).toBe(1);
  });
});
