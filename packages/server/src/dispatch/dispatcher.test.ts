import { LIMITS } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../observe/log.ts';
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

  it('spends no probe of a paused upstream on requests that it refuses itself', async () => {
    const { upstream, createOf, advance, quiet, find } = await setUp({ concurrency: 1 });
    const good = '{"model":"m","max_tokens":1,"messages":[{"content":"x"}]}';
    const refused = good.replace('}]}', '}],"stream":true}');
    const batch = await createOf([good, ...names('p', 20).map(() => refused)]);
    upstream.calls[0]?.answer(401, error('authentication_error', 'no'));
    await advance(30_000);
    expect(upstream.calls).toHaveLength(2);
    upstream.calls[1]?.answer();
    await quiet();
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 1, errored: 20 } });
  });

  it('warns of an upstream that fails, once a minute and without its words', async () => {
    const warnings: unknown[] = [];
    const log = { ...silentLog, warn: (fields: unknown) => void warnings.push(fields) };
    const { upstream, create, advance, quiet } = await setUp({ log });
    await create(names('p', 4));
    upstream.calls[0]?.answer(500, error('api_error', 'cannot parse "my secret prompt"'));
    upstream.calls[1]?.fail('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:8000');
    await quiet();
    expect(warnings).toEqual([{ upstream: 'held', answer: 'broken', status: 500, reason: undefined }]);
    await advance(60_000);
    upstream.calls[2]?.fail('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:8000');
    await quiet();
    expect(warnings.slice(1)).toEqual([
      { upstream: 'held', answer: 'broken', status: undefined, reason: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  it('says why answers of status 200 are of no use', async () => {
    const warnings: unknown[] = [];
    const log = { ...silentLog, warn: (fields: unknown) => void warnings.push(fields) };
    const { upstream, create, quiet } = await setUp({ log });
    await create(['a']);
    upstream.calls[0]?.answer(200, '<html>');
    await quiet();
    expect(warnings).toMatchObject([{ status: 200, reason: 'status 200 without a JSON object' }]);
  });
});
