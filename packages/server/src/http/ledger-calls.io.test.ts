import { microsecondsFromMs } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { addBilledBatch, totalsOf } from './billed-batch.fixture.ts';
import { ask, startRoom, type TestRoom } from './http.fixture.ts';

const DAY_MS = 86_400_000;
/** 10 × 3000 + 1000 × 3750 + 300 × 300 + 20 × 15000, halved. */
const COST = 2_085_000;
const PROMPT_COST = COST - 150_000;
const TOKENS = { input: 10, cache_creation_5m: 1000, cache_creation_1h: 0, cache_read: 300, output: 20 };

const details = (room: TestRoom, id: string, key?: string) =>
  ask(room, { path: `/ext/v1/batches/${id}`, ...(key === undefined ? {} : { key }) });
const usage = (room: TestRoom, query = '', key?: string) =>
  ask(room, { path: `/ext/v1/usage${query}`, ...(key === undefined ? {} : { key }) });

describe('the details of a batch', () => {
  it('hold the batch itself, as the API shows it', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended');
    const { body } = await ask(room, { path: `/v1/messages/batches/${id}` });
    expect((await details(room, id)).body).toMatchObject({ type: 'batch_details', batch: body });
  });

  it('tell how a running batch stands, and when it will have ended', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const { body, headers } = await details(room, id);
    expect(body['progress']).toEqual({
      ...{ pending: 0, in_flight: 1, backing_off: 0, settled: 1 },
      results_per_second: 0.05,
      eta: new Date(room.clock.now() + 20_000).toISOString().replace('Z', '000Z'),
    });
    expect(body['schedule']).toMatchObject({ waiting_for_leader: 0, open_prefixes: 1, turns: { leads: 1, warm: 1 } });
    expect(body['schedule']).toMatchObject({ turns: { gate_timeout: 0, single_use: 0 } });
    expect(headers['retry-after']).toBeDefined();
  });

  it('never expect an end after the batch expires', async () => {
    const room = await startRoom();
    const { id, expiresAtUs } = await addBilledBatch(room, 'in_progress');
    room.running.set(id, { ...room.running.get(id)!, settledPerSecond: 1e-9 });
    const { progress, batch } = (await details(room, id)).body as Record<string, Record<string, unknown>>;
    expect(progress?.['eta']).toBe(batch?.['expires_at']);
    expect(expiresAtUs).toBeGreaterThan(0);
  });

  it('hold what was predicted against what came', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended');
    const { body, headers } = await details(room, id);
    const { output: _, ...tokens } = TOKENS;
    const money = { cost_usd: '0.001935', nano_usd: PROMPT_COST };
    expect(body['plan']).toMatchObject({ markers: 'auto', prefixes: 1, requests_sharing: 2, single: 0 });
    expect(body['plan']).toMatchObject({ predicted: { tokens, ...money } });
    expect(body['ledger']).toMatchObject({ results: 2, requests: 1, tokens: TOKENS, prompts: money });
    expect(body['ledger']).toMatchObject({ cost_usd: '0.002085', nano_usd: COST, unpriced_requests: 0 });
    expect(body['ledger']).toMatchObject({ cache: { write_amplification: 1, hit_share: 1, requests: { cold: 1 } } });
    expect(body['ledger']).toMatchObject({
      against: {
        no_caching: { nano_usd: (1310 * 3000 + 300_000) / 2 },
        plain_markers: { nano_usd: (30_000 + 1300 * 3750 + 300_000) / 2 },
      },
    });
    expect(body['schedule']).toBeNull();
    expect(headers['retry-after']).toBeUndefined();
  });

  it('have no money where nothing has a price, and all the tokens', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended', 'some-model');
    const { body } = await details(room, id);
    expect(body['ledger']).toMatchObject({ cost_usd: null, nano_usd: null, unpriced_requests: 1, tokens: TOKENS });
    expect(body['ledger']).toMatchObject({ models: [{ model: 'some-model', nano_usd: null }] });
    expect(body['plan']).toMatchObject({ predicted: { nano_usd: null } });
  });

  it('say so where nobody predicted and nothing was recorded', async () => {
    const room = await startRoom();
    const { id } = await room.addBatch(room.workspaces.w1);
    const { body } = await details(room, id);
    expect(body).toMatchObject({ plan: { prefixes: null, predicted: null }, ledger: null, schedule: null });
    expect(body['progress']).toMatchObject({ pending: 2, settled: 0, results_per_second: null, eta: null });
  });

  it('are gone with a deleted batch', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended');
    await ask(room, { method: 'DELETE', path: `/v1/messages/batches/${id}` });
    expect((await details(room, id)).status).toBe(404);
  });
});

describe('the usage of a workspace', () => {
  it('is by day and model, and in all', async () => {
    const room = await startRoom();
    await addBilledBatch(room, 'ended');
    await addBilledBatch(room, 'ended', 'some-model');
    await room.clock.advance(DAY_MS);
    await addBilledBatch(room, 'ended');
    const { body } = await usage(room);
    expect(body).toMatchObject({
      type: 'usage',
      from: '2026-10-24',
      to: '2026-11-22',
      requests: 3,
      nano_usd: 2 * COST,
    });
    expect(body).toMatchObject({ unpriced_requests: 1, tokens: { output: 60 } });
    const days = body['days'] as Record<string, unknown>[];
    expect(days.map(({ date, nano_usd }) => [date, nano_usd])).toEqual([
      ['2026-11-21', COST],
      ['2026-11-22', COST],
    ]);
    const models = (days[0] as { models: Record<string, unknown>[] }).models;
    const named = models.map(({ model, nano_usd }) => [model, nano_usd]);
    expect(named).toEqual([
      ['claude-sonnet-4-5-20250929', COST],
      ['some-model', null],
    ]);
  });

  it('is of the days asked for, both ends included', async () => {
    const room = await startRoom();
    await addBilledBatch(room, 'ended');
    const requests = async (query: string) => (await usage(room, query)).body['requests'];
    expect(await requests('?from=2026-11-21&to=2026-11-21')).toBe(1);
    expect(await requests('?from=2026-11-22&to=2026-11-30')).toBe(0);
    expect(await requests('?to=2026-11-20')).toBe(0);
    expect(await requests('?from=2026-11-01')).toBe(1);
  });

  it('keeps the share of deleted batches, and knows nothing of other workspaces', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'ended');
    await ask(room, { method: 'DELETE', path: `/v1/messages/batches/${id}` });
    expect((await usage(room)).body['nano_usd']).toBe(COST);
    const { body } = await usage(room, '', room.keys.k2);
    expect(body).toMatchObject({ requests: 0, cost_usd: '0.00', days: [], models: [] });
  });

  it.each([
    ['?from=yesterday', 'from: Input should be a date in the form YYYY-MM-DD'],
    ['?to=2026-02-30', 'to: Input should be a date in the form YYYY-MM-DD'],
    ['?to=2026-11-21T00:00:00Z', 'to: Input should be a date in the form YYYY-MM-DD'],
    ['?from=2026-11-22&to=2026-11-21', 'from: `2026-11-22` is after `2026-11-21`, the last day asked for'],
    ['?from=2025-11-20&to=2026-11-21', 'from: At most 366 days can be asked for at once, not 367'],
    ['?start=2026-11-01', 'start: Extra inputs are not permitted'],
    ['?from=2026-11-01&workspace=w', 'workspace: Extra inputs are not permitted'],
  ])('refuses %s', async (query, message) => {
    const { status, body } = await usage(await startRoom(), query);
    expect([status, body['error']]).toMatchObject([400, { type: 'invalid_request_error', message }]);
  });

  it('counts a checkpoint on the day it was made', async () => {
    const room = await startRoom();
    const { id } = await addBilledBatch(room, 'in_progress');
    const nowUs = microsecondsFromMs(room.clock.now() + DAY_MS);
    const [lease] = await room.catalog.shards.claim('test', nowUs, 1000, 1, id);
    const counts = { processing: 1, succeeded: 1, errored: 0, canceled: 0, expired: 0 };
    const totals = totalsOf('claude-sonnet-4-5');
    await room.catalog.shards.recordProgress(lease!, counts, { rows: 1, bytes: 100, atUs: nowUs, totals });
    expect((await usage(room, '?from=2026-11-22&to=2026-11-22')).body['requests']).toBe(1);
  });
});
