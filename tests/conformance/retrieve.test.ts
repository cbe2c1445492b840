import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import {
  BATCHES,
  batchOf,
  cancel,
  countOf,
  create,
  createRunning,
  expectError,
  item,
  items,
  itemTaking,
  results,
  retrieve,
} from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 41–48: what a poll sees, before, during and after. */
let server: TestServer;
let by: Caller;
beforeAll(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterAll(() => server.close());

const ORDER = { in_progress: 0, canceling: 1, ended: 2 } as const;

/** Polls once a second of the server's time until the batch ended. */
async function follow(id: string): Promise<readonly MessageBatch[]> {
  const seen = [await retrieve(by, id)];
  while (seen.at(-1)?.processing_status !== 'ended') {
    await server.advance(1_000);
    seen.push(await retrieve(by, id));
    expect(seen.length).toBeLessThan(200);
  }
  return seen;
}

/** Ten requests that end one after another, in ten seconds. */
const staggered = () => Array.from({ length: 10 }, (_, i) => itemTaking(`s-${i}`, (i + 1) * 1_000));

test('41 a poll of an unfinished batch is told to wait ten seconds', async () => {
  const { id } = await createRunning(server, by, [itemTaking('slow', 3_600_000)]);
  const running = await by.get(`${BATCHES}/${id}`);
  expect(batchOf(running).processing_status).toBe('in_progress');
  expect(running.headers['retry-after']).toBe('10');
  await cancel(by, id);
  const canceling = await by.get(`${BATCHES}/${id}`);
  expect(batchOf(canceling).processing_status).toBe('canceling');
  expect(canceling.headers['retry-after']).toBe('10');
});

test('42 an ended batch names its results, which the same key can read', async () => {
  const { id } = await create(by, items(3));
  await server.finish(by, id);
  const response = await by.get(`${BATCHES}/${id}`);
  const batch = batchOf(response);
  expect(response.headers).not.toHaveProperty('retry-after');
  expect(Date.parse(batch.ended_at ?? '')).toBeGreaterThan(Date.parse(batch.created_at));
  expect(batch.results_url).toBe(`${server.url}${BATCHES}/${id}/results`);
  const download = await by.get(batch.results_url ?? '');
  expect(download.text.trimEnd().split('\n')).toHaveLength(3);
});

test('43 the counters always sum to the requests submitted, and none is processing exactly once it ended', async () => {
  const { id } = await create(by, [...staggered(), item('bad', { model: 'no-such-model' })]);
  const seen = await follow(id);
  expect(seen.length).toBeGreaterThan(5);
  for (const { request_counts, processing_status } of seen) {
    expect(countOf(request_counts)).toBe(11);
    expect(request_counts.processing === 0).toBe(processing_status === 'ended');
  }
  expect(seen.at(-1)?.request_counts).toMatchObject({ succeeded: 10, errored: 1 });
});

test('44 neither counters nor status ever go back', async () => {
  const { id } = await create(by, staggered());
  const seen = [...(await follow(id))];
  await server.advance(60_000);
  seen.push(await retrieve(by, id));
  for (const [i, batch] of seen.entries()) {
    const before = seen[i - 1] ?? batch;
    expect(ORDER[batch.processing_status]).toBeGreaterThanOrEqual(ORDER[before.processing_status]);
    expect(batch.request_counts.processing).toBeLessThanOrEqual(before.request_counts.processing);
    for (const counter of ['succeeded', 'errored', 'canceled', 'expired'] as const) {
      expect(batch.request_counts[counter]).toBeGreaterThanOrEqual(before.request_counts[counter]);
    }
  }
  expect(seen.at(-1)).toEqual(seen.at(-2));
});

test('45 an unknown id is not found, in words', async () => {
  for (const id of ['msgbatch_01AAAAAAAAAAAAAAAAAAAAAA', 'no-batch-at-all', 'x'.repeat(300)]) {
    expectError(await by.get(`${BATCHES}/${id}`), 404, 'not_found_error', `Message Batch ${id} not found.`);
  }
});

test('45 an id is percent-decoded, and never a path', async () => {
  expectError(await by.get(`${BATCHES}/a%20b`), 404, 'not_found_error', 'Message Batch a b not found.');
  for (const id of ['..%2F..%2Fcatalog.sqlite', '%2e%2e', '%00', 'a%0Ab']) {
    expectError(await by.get(`${BATCHES}/${id}`), 404, 'not_found_error');
    expectError(await by.get(`${BATCHES}/${id}/results`), 404, 'not_found_error');
  }
});

test('47 another key of the workspace sees the batch', async () => {
  const created = await create(by, items(2));
  expect(await retrieve(server.k1b, created.id)).toEqual(created);
  await server.finish(server.k1b, created.id);
  expect(await results(server.k1b, created.id)).toHaveLength(2);
});

test('48 an ended batch is the same bytes at every poll', async () => {
  const { id } = await create(by, items(5));
  await server.finish(by, id);
  const first = await by.get(`${BATCHES}/${id}`);
  await server.advance(3 * 3_600_000);
  const later = await by.get(`${BATCHES}/${id}`);
  expect(later.bytes.equals(first.bytes)).toBe(true);
});
