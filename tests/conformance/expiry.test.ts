import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  BATCHES,
  create,
  expectError,
  item,
  itemTaking,
  list,
  results,
  retrieve,
  resultsById,
} from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 91 and 93, in virtual time: a day until a batch expires, 29 days until its results are gone. */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let server: TestServer;
let by: Caller;
beforeEach(async () => {
  server = await startTestServer();
  by = server.k1a;
});
afterEach(() => server.close());

test('91 after 24 hours what is unfinished expires, and what is finished keeps its result', async () => {
  const { id, expires_at } = await create(by, [item('done-1'), item('done-2'), itemTaking('never', 30 * DAY_MS)]);
  await server.advance(DAY_MS - HOUR_MS);
  expect(await retrieve(by, id)).toMatchObject({ processing_status: 'in_progress', results_url: null });
  expectError(await by.get(`${BATCHES}/${id}/results`), 404, 'not_found_error');

  await server.advance(HOUR_MS + 60_000);
  const batch = await retrieve(by, id);
  expect(batch.processing_status).toBe('ended');
  expect(batch.request_counts).toEqual({ processing: 0, succeeded: 2, errored: 0, canceled: 0, expired: 1 });
  const lateMs = Date.parse(batch.ended_at ?? '') - Date.parse(expires_at);
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThanOrEqual(60_000);
  const byId = await resultsById(by, id);
  expect(byId.get('never')).toEqual({ type: 'expired' });
  expect(byId.get('done-1')?.type).toBe('succeeded');
});

test('91 requests that only met an upstream that is down expire too', async () => {
  await server.addFaults({ kind: 'overloaded', phase: 'admission' });
  const { id } = await create(by, [item('a'), item('b')]);
  await server.advance(DAY_MS + 60_000);
  expect(await retrieve(by, id)).toMatchObject({ processing_status: 'ended', request_counts: { expired: 2 } });
  expect(await results(by, id)).toHaveLength(2);
});

test('93 after 29 days a batch is archived, and still there', async () => {
  const { id } = await create(by, [item('only')]);
  await server.finish(by, id);
  await server.advance(29 * DAY_MS - HOUR_MS);
  expect((await retrieve(by, id)).archived_at).toBeNull();
  expect(await results(by, id)).toHaveLength(1);

  await server.advance(2 * HOUR_MS);
  const archived = await retrieve(by, id);
  expect(archived).toMatchObject({ id, processing_status: 'ended', request_counts: { succeeded: 1 } });
  expect(archived.archived_at).not.toBeNull();
  expect((await list(by)).data.map((batch) => batch.id)).toContain(id);
  expect((await by.get(`${BATCHES}/${id}/results`)).status).toBeGreaterThanOrEqual(400);
});

test('93 the 29 days are counted from creation, however late the batch ended', async () => {
  const { id, created_at } = await create(by, [itemTaking('late', 30 * DAY_MS)]);
  await server.advance(DAY_MS + 60_000);
  expect((await retrieve(by, id)).processing_status).toBe('ended');
  await server.advance(28 * DAY_MS + HOUR_MS);
  const { archived_at } = await retrieve(by, id);
  const ageMs = Date.parse(archived_at ?? '') - Date.parse(created_at);
  expect(ageMs).toBeGreaterThanOrEqual(29 * DAY_MS);
  expect(ageMs).toBeLessThan(29 * DAY_MS + 2 * HOUR_MS);
});

test('93 an archived batch can be deleted', async () => {
  const { id } = await create(by, [item('only')]);
  await server.finish(by, id);
  await server.advance(30 * DAY_MS);
  expect((await by.delete(`${BATCHES}/${id}`)).status).toBe(200);
  expectError(await by.get(`${BATCHES}/${id}`), 404, 'not_found_error');
});
