import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BATCHES,
  batchOf,
  cancel,
  create,
  createRunning,
  expectError,
  item,
  items,
  itemTaking,
  list,
  results,
  retrieve,
  tallyOf,
} from '../harness/batches.ts';
import { OLD_VERSION, type Caller } from '../harness/caller.ts';
import { raw } from '../harness/raw-http.ts';
import { SDK_NAMES, sdkClient } from '../harness/sdk-clients.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 59–68: ending a batch early, and removing it. */
const AN_HOUR_MS = 3_600_000;

let server: TestServer;
let by: Caller;
beforeAll(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterAll(() => server.close());

/** Requests that will not end within the grace that a cancel leaves them. */
const endless = (count: number) => Array.from({ length: count }, (_, i) => itemTaking(`endless-${i}`, AN_HOUR_MS));

describe('cancel', () => {
  test('59 a batch in progress becomes canceling, with all its requests still processing', async () => {
    const { id } = await createRunning(server, by, endless(4));
    // As the SDKs send it: no body, no content type.
    const headers = { 'x-api-key': by.key, 'anthropic-version': OLD_VERSION, 'content-length': '0' };
    const batch = batchOf(await raw(server.url, { method: 'POST', path: `${BATCHES}/${id}/cancel`, headers }));
    expect(batch).toMatchObject({ processing_status: 'canceling', ended_at: null, results_url: null });
    expect(Date.parse(batch.cancel_initiated_at ?? '')).toBeGreaterThanOrEqual(Date.parse(batch.created_at));
    expect(batch.request_counts).toEqual({ processing: 4, succeeded: 0, errored: 0, canceled: 0, expired: 0 });
  });

  test('60 later it has ended, and remembers when it was canceled', async () => {
    const { id } = await create(by, [...endless(3), item('quick'), item('wrong', { model: 'no-such-model' })]);
    await server.advance(8_000);
    const { cancel_initiated_at } = await cancel(by, id);
    const batch = await server.finish(by, id);
    expect(batch).toMatchObject({ processing_status: 'ended', cancel_initiated_at });
    const { succeeded, errored, canceled } = batch.request_counts;
    expect(succeeded + errored + canceled).toBe(5);
    expect(batch.request_counts).toMatchObject({ processing: 0, expired: 0 });
    expect(batch.results_url).toBe(`${server.url}${BATCHES}/${id}/results`);
  });

  test('61 a batch canceled before any answer is canceled whole, and still has results', async () => {
    const { id } = await create(by, endless(5));
    await cancel(by, id);
    await server.advance(30_000);
    const batch = await retrieve(by, id);
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 0, errored: 0, canceled: 5, expired: 0 });
    const rows = await results(by, id);
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row.result).toEqual({ type: 'canceled' });
  });

  test('62 what is running when the cancel arrives may still succeed', async () => {
    const narrow = await startTestServer({ concurrency: 2 });
    try {
      const { id } = await create(narrow.k1a, items(6));
      await narrow.advance(500);
      await cancel(narrow.k1a, id);
      const batch = await narrow.finish(narrow.k1a, id);
      const tally = tallyOf(await results(narrow.k1a, id));
      expect(batch.request_counts).toEqual({ processing: 0, ...tally });
      expect(tally.succeeded + tally.canceled).toBe(6);
      expect(tally.succeeded).toBeGreaterThan(0);
      expect(tally.canceled).toBeGreaterThanOrEqual(4);
    } finally {
      await narrow.close();
    }
  });

  test('65 an unknown batch cannot be canceled', async () => {
    const response = await by.post(`${BATCHES}/msgbatch_unknown/cancel`);
    expectError(response, 404, 'not_found_error', 'Message Batch msgbatch_unknown not found.');
  });

  test('60 no request is sent to the upstream after the cancel was accepted', async () => {
    const narrow = await startTestServer({ concurrency: 1 });
    try {
      const { id } = await create(narrow.k1a, [itemTaking('first', 5_000), ...items(20)]);
      await narrow.advance(1_000);
      await cancel(narrow.k1a, id);
      await narrow.finish(narrow.k1a, id);
      const { succeeded, canceled } = (await retrieve(narrow.k1a, id)).request_counts;
      expect(succeeded).toBeLessThanOrEqual(1);
      expect(canceled).toBe(21 - succeeded);
    } finally {
      await narrow.close();
    }
  });
});

describe('delete', () => {
  const STILL_RUNNING = 'In progress batches cannot be deleted. Consider canceling the batch instead.';

  test('66 a batch in progress cannot be deleted', async () => {
    const { id } = await create(by, endless(1));
    expectError(await by.delete(`${BATCHES}/${id}`), 400, 'invalid_request_error', STILL_RUNNING);
    expect((await retrieve(by, id)).processing_status).toBe('in_progress');
  });

  test.each(SDK_NAMES)('66 %s tries that once', async (name) => {
    const { id } = await create(by, endless(1));
    const attempts: string[] = [];
    const counting: typeof fetch = (input, init) => {
      attempts.push(init?.method ?? 'GET');
      return fetch(input, init);
    };
    const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key, fetch: counting });
    await expect(batches.delete(id)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(STILL_RUNNING),
    });
    expect(attempts.map((method) => method.toUpperCase())).toEqual(['DELETE']);
  });

  test('68 an ended batch is deleted with a receipt, and gone everywhere', async () => {
    const { id } = await create(by, items(2));
    await server.finish(by, id);
    const receipt = await by.delete(`${BATCHES}/${id}`);
    expect(receipt.status).toBe(200);
    expect(JSON.parse(receipt.text)).toEqual({ id, type: 'message_batch_deleted' });
    for (const response of [
      await by.get(`${BATCHES}/${id}`),
      await by.get(`${BATCHES}/${id}/results`),
      await by.post(`${BATCHES}/${id}/cancel`),
    ]) {
      expectError(response, 404, 'not_found_error', `Message Batch ${id} not found.`);
    }
    expect((await list(by, '?limit=1000')).data.map((batch) => batch.id)).not.toContain(id);
  });

  test('68 a canceled batch can be deleted once it ended', async () => {
    const { id } = await create(by, endless(2));
    await cancel(by, id);
    await server.advance(30_000);
    expect((await retrieve(by, id)).request_counts.canceled).toBe(2);
    expect((await by.delete(`${BATCHES}/${id}`)).status).toBe(200);
  });
});
