import { BATCH_LIFETIME_MS, microsecondsFromMs, type WorkspaceId } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { error, names, setUp } from './engine.fixture.ts';

describe('the engine', () => {
  it('sends a request’s params byte for byte, with the batch’s version and betas', async () => {
    const { upstream, create } = await setUp();
    await create(['hello é "quoted"']);
    const [call] = upstream.calls;
    expect(Buffer.from(call?.request.body as Uint8Array).toString()).toBe(
      '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hello é \\"quoted\\""}]}',
    );
    expect(call?.request.headers).toMatchObject({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'b-2026-01-01',
    });
    expect(call?.request.headers).not.toHaveProperty('batchwright-custom-id');
  });

  it('never has more calls in flight than it may', async () => {
    const { upstream, create, quiet } = await setUp({ concurrency: 3 });
    await create(names('p', 10));
    expect(upstream.calls).toHaveLength(3);
    upstream.calls[0]?.answer();
    await quiet();
    expect(upstream.calls).toHaveLength(4);
  });

  it('lets a small batch through beside a huge one', async () => {
    const { upstream, create, quiet } = await setUp({ concurrency: 1 });
    await create(names('huge', 500));
    await create(['small0', 'small1']);
    for (let i = 0; i < 5; i++) {
      upstream.calls[i]?.answer();
      await quiet();
    }
    expect(upstream.calls.map((call) => call.prompt).filter((prompt) => prompt.startsWith('small'))).toHaveLength(2);
  });

  it('gives a workspace with many batches no more than one with a single batch', async () => {
    const { catalog, clock, upstream, create, quiet } = await setUp({ concurrency: 1 });
    const other = 'wrkspc_01Other' as WorkspaceId;
    await catalog.workspaces.create({ id: other, name: 'other', createdAtUs: microsecondsFromMs(clock.now()) });
    for (let i = 0; i < 9; i++) await create(names(`many${i}-`, 20));
    await create(names('single', 20), other);
    for (let i = 0; i < 20; i++) {
      upstream.calls[i]?.answer();
      await quiet();
    }
    const single = upstream.calls.filter((call) => call.prompt.startsWith('single')).length;
    expect(single).toBeGreaterThanOrEqual(9);
    expect(single).toBeLessThanOrEqual(11);
  });

  it('ends a batch when its last request is durable, and not before', async () => {
    const { upstream, create, find, quiet, rows } = await setUp();
    const batch = await create(['a', 'b']);
    upstream.calls[0]?.answer();
    await quiet();
    expect((await find(batch)).status).toBe('in_progress');
    upstream.calls[1]?.answer(400, error('invalid_request_error', 'messages: no'));
    await quiet();
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 1, errored: 1, processing: 0 } });
    expect((await rows(batch)).map((row) => row.result.type)).toEqual(['succeeded', 'errored']);
  });

  it('refuses what no upstream need be asked about, before any call', async () => {
    const { upstream, create, rows } = await setUp();
    const batch = await create(['a'], undefined, { stream: true });
    expect(upstream.calls).toEqual([]);
    expect(await rows(batch)).toMatchObject([{ result: { type: 'errored', error: { request_id: null } } }]);
  });

  it('tries again what broke, later, and keeps the other requests running meanwhile', async () => {
    const { upstream, create, advance, quiet, find } = await setUp({ concurrency: 1 });
    const batch = await create(['broken', 'fine']);
    upstream.calls[0]?.answer(200, '{"half":');
    await quiet();
    expect(upstream.calls.map((call) => call.prompt)).toEqual(['broken', 'fine']);
    upstream.calls[1]?.answer();
    await advance(2000);
    expect(upstream.calls[2]?.prompt).toBe('broken');
    upstream.calls[2]?.answer();
    await quiet();
    expect((await find(batch)).counts).toMatchObject({ succeeded: 2 });
  });

  it('lets neither a request whose bytes went bad nor its batch stop another', async () => {
    const { upstream, create, createOf, advance, quiet, find } = await setUp({ concurrency: 1 });
    const bad = await createOf(['{"model":', '{"model":"m","max_tokens":1,"messages":[{"content":"good"}]}']);
    const batch = await create(['other']);
    for (let i = 0; i < 2; i++) {
      upstream.calls[i]?.answer();
      await quiet();
    }
    expect((await find(batch)).counts.succeeded).toBe(1);
    await advance(BATCH_LIFETIME_MS);
    expect((await find(bad)).counts).toMatchObject({ succeeded: 1, expired: 1 });
  });

  it('waits as long as the upstream asks for', async () => {
    const { clock, upstream, create, advance } = await setUp();
    await create(['a']);
    const askedAtMs = clock.now();
    upstream.calls[0]?.answer(429, error('rate_limit_error', 'slow'), { 'retry-after': '30' });
    await advance(29_999);
    expect(upstream.calls).toHaveLength(1);
    await advance(2000);
    expect((upstream.calls[1]?.atMs ?? 0) - askedAtMs).toBeGreaterThanOrEqual(30_000);
  });

  it('pauses on a spend cap instead of burning retries, and goes on once a probe is served', async () => {
    const { engine, upstream, create, advance, quiet } = await setUp({ concurrency: 2 });
    await create(names('p', 6));
    const capped = error('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' });
    for (const call of upstream.calls.slice(0, 2)) call.answer(429, capped);
    await advance(25_000);
    expect(upstream.calls).toHaveLength(2);
    expect(engine.dispatcher.pauses.map((pause) => pause.reason)).toEqual(['spend_cap']);
    await advance(10_000);
    expect(upstream.calls).toHaveLength(3);
    upstream.calls[2]?.answer();
    await quiet();
    expect(engine.dispatcher.pauses).toEqual([]);
    expect(upstream.calls.length).toBeGreaterThan(3);
  });

  it('sends nothing after a cancel, and lets what is in flight finish within the grace', async () => {
    const { upstream, create, cancel, advance, quiet, find } = await setUp({ concurrency: 2 });
    const batch = await create(names('p', 5));
    await cancel(batch);
    upstream.calls[0]?.answer();
    await quiet();
    expect(upstream.calls).toHaveLength(2);
    await advance(9000);
    expect((await find(batch)).status).toBe('canceling');
    await advance(1000);
    expect(upstream.calls[1]?.isCancelled).toBe(true);
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 1, canceled: 4 } });
  });

  it('settles as canceled what comes back unanswered after a cancel, and so ends', async () => {
    const { upstream, create, cancel, quiet, find, rows } = await setUp({ concurrency: 4 });
    const batch = await create(names('p', 5));
    await cancel(batch);
    upstream.calls[0]?.answer(529, error('overloaded_error', 'busy'));
    upstream.calls[1]?.answer(429, error('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' }));
    upstream.calls[2]?.fail('ECONNRESET');
    upstream.calls[3]?.answer();
    await quiet();
    expect(await find(batch)).toMatchObject({ status: 'ended', counts: { succeeded: 1, canceled: 4 } });
    expect(new Set((await rows(batch)).map((row) => row.custom_id)).size).toBe(5);
  });

  it('expires what has not finished after 24 hours, and keeps what has', async () => {
    const { upstream, create, advance, find, quiet } = await setUp({ concurrency: 2 });
    const batch = await create(names('p', 3));
    upstream.calls[0]?.answer();
    await quiet();
    await advance(BATCH_LIFETIME_MS);
    const ended = await find(batch);
    expect(ended).toMatchObject({ status: 'ended', counts: { succeeded: 1, expired: 2 } });
    expect(ended.endedAtUs).toBe(ended.expiresAtUs);
    expect(upstream.calls[1]?.isCancelled).toBe(true);
  });

  it('gives back what is in flight when it stops, and loses no answer that came', async () => {
    const { clock, upstream, engine, create, find, rows, quiet } = await setUp({ concurrency: 3 });
    const batch = await create(names('p', 4));
    const stopped = engine.stop();
    upstream.calls[0]?.answer();
    await quiet();
    await clock.advance(5000, quiet);
    await stopped;
    expect(upstream.calls).toHaveLength(3);
    expect(upstream.calls[2]?.isCancelled).toBe(true);
    expect(await rows(batch)).toMatchObject([{ custom_id: 'c0', result: { type: 'succeeded' } }]);
    expect(await find(batch)).toMatchObject({ status: 'in_progress', counts: { succeeded: 1, processing: 3 } });
  });

  it('archives results 29 days after creation', async () => {
    const { upstream, create, advance, find, quiet, rows } = await setUp();
    const batch = await create(['a']);
    upstream.calls[0]?.answer();
    await quiet();
    await advance(29 * 24 * 3_600_000 - 1000);
    expect((await find(batch)).archivedAtUs).toBeNull();
    await advance(2000);
    expect((await find(batch)).archivedAtUs).not.toBeNull();
    expect(await rows(batch)).toEqual([]);
  });
});
