import { LIMITS } from '@batchwright/protocol';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { error, names, setUp } from '../runtime/engine.fixture.ts';
import type { RequestIndex } from '@batchwright/scan';
import type { RequestLog, Spool } from '../spool/spool.ts';

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

  it.each([
    ['message', 200, undefined],
    ['rejection', 400, error('invalid_request_error', 'no')],
    ['failure', 500, error('api_error', 'no')],
    ['pause', 401, error('authentication_error', 'no')],
  ] as const)(
    'tries again a request whose %s it failed over itself, and settles it once',
    async (_what, status, body) => {
      let faults = 1;
      const metrics = Object.assign(createMetrics(), {
        upstreamAnswered: () => {
          if (faults-- > 0) throw new RangeError('Array buffer allocation failed');
        },
      });
      const { upstream, create, advance, find, rows } = await setUp({ metrics });
      const batch = await create(['a']);
      upstream.calls[0]?.answer(status, body);
      await advance(60_000);
      upstream.calls[1]?.answer();
      await advance(1);
      expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 1 } });
      expect(await rows(batch)).toHaveLength(1);
    },
  );

  it('tells once that the upstream asks for a long wait', async () => {
    const warnings: unknown[] = [];
    const log = { ...silentLog, warn: (fields: unknown) => void warnings.push(fields) };
    const { upstream, create, quiet, advance } = await setUp({ log, concurrency: 8 });
    await create(names('p', 8));
    const tooMany = error('rate_limit_error', 'later');
    for (const call of upstream.calls.slice(0, 4)) call.answer(429, tooMany, { 'retry-after': '7200' });
    for (const call of upstream.calls.slice(4, 8)) call.answer(429, tooMany, { 'retry-after': '2' });
    await quiet();
    const told = { upstream: 'held', answer: 'rate_limited', delayMs: 7_200_000 };
    expect(warnings).toEqual([told]);
    await advance(7_200_000);
    expect(upstream.calls.length).toBeGreaterThan(8);
    upstream.calls.at(-1)?.answer(429, tooMany, { 'retry-after': '7200' });
    await quiet();
    expect(warnings).toEqual([told, told]);
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
    expect(warnings).toMatchObject([{ status: 200, reason: 'status 200 without a message' }]);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('takes an answer that comes as %s although it was not asked for', async (encoding, compress) => {
    const { upstream, create, quiet, rows } = await setUp();
    const batch = await create(['a', 'b']);
    const headers = { 'content-encoding': encoding };
    upstream.calls[0]?.answer(200, compress('{"id":"msg_é"}'), headers);
    upstream.calls[1]?.answer(400, compress(error('invalid_request_error', 'no')), headers);
    await quiet();
    expect(await rows(batch)).toMatchObject([
      { result: { type: 'succeeded', message: { id: 'msg_é' } } },
      { result: { type: 'errored', error: { error: { message: 'no' } } } },
    ]);
  });

  it('takes an answer as it is that only claims to be compressed', async () => {
    const { upstream, create, quiet, rows } = await setUp();
    const batch = await create(['a']);
    upstream.calls[0]?.answer(200, '{"id":"msg_1"}', { 'content-encoding': 'gzip' });
    await quiet();
    expect(await rows(batch)).toMatchObject([{ result: { type: 'succeeded', message: { id: 'msg_1' } } }]);
  });

  it('decompresses no answer that grows beyond all measure', async () => {
    const { upstream, create, advance, find } = await setUp();
    const batch = await create(['a']);
    const bomb = gzipSync(Buffer.concat([Buffer.alloc(65 * 1024 * 1024, ' '), Buffer.from('{}')]));
    upstream.calls[0]?.answer(200, bomb, { 'content-encoding': 'gzip' });
    await advance(2000);
    expect(upstream.calls).toHaveLength(2);
    expect((await find(batch)).counts.processing).toBe(1);
  });

  it('takes no error for a message, whatever its status', async () => {
    const { upstream, create, advance, find } = await setUp();
    const batch = await create(['a']);
    upstream.calls[0]?.answer(200, error('overloaded_error', 'no provider could be reached'));
    await advance(2000);
    upstream.calls[1]?.answer(200, '{"error":{"code":502}}');
    await advance(3000);
    upstream.calls[2]?.answer();
    await advance(1);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 1 } });
  });
});
