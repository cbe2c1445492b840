import { afterAll, beforeAll, expect, test } from 'vitest';
import { BATCHES, create, expectError, items, list } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { SDK_NAMES, collect, sdkClient } from '../harness/sdk-clients.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 49–57: pages, cursors and their directions. */
let server: TestServer;
let many: Filled;
beforeAll(async () => {
  server = await startTestServer();
  many = await filled(45);
});
afterAll(() => server.close());

interface Filled {
  readonly by: Caller;
  /** Newest first, as lists are. */
  readonly ids: readonly string[];
}

/** A workspace with this many batches in it. */
async function filled(count: number): Promise<Filled> {
  const by = await server.newWorkspace();
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.unshift((await create(by, items(1))).id);
  return { by, ids };
}

const idsOf = (page: { readonly data: readonly { readonly id: string }[] }): string[] => page.data.map(({ id }) => id);

test('49 a list without parameters has twenty batches at most, newest first', async () => {
  expect(idsOf(await list(many.by))).toEqual(many.ids.slice(0, 20));
  const few = await filled(3);
  expect(idsOf(await list(few.by))).toEqual(few.ids);
});

test('50 limit is a whole number from 1 to 1000', async () => {
  expect(idsOf(await list(many.by, '?limit=1000'))).toEqual(many.ids);
  expect(idsOf(await list(many.by, '?limit=1'))).toEqual(many.ids.slice(0, 1));
  for (const limit of ['0', '1001', 'x', '-1', '1.5']) {
    const response = await many.by.get(`${BATCHES}?limit=${limit}`);
    const { error } = expectError(response, 400, 'invalid_request_error');
    expect(error.message).toMatch(/^limit: Input should be /);
  }
});

test('51 an empty workspace has an empty page', async () => {
  const fresh = await server.newWorkspace();
  const response = await fresh.get(BATCHES);
  expect(JSON.parse(response.text)).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
});

test('52 first_id and last_id are the ends of data', async () => {
  const page = await list(many.by, '?limit=7');
  expect(page.first_id).toBe(many.ids[0]);
  expect(page.last_id).toBe(many.ids[6]);
  expect(page.has_more).toBe(true);
});

test('53 walking 45 batches by after_id meets each once', async () => {
  const pages = [await list(many.by, '?limit=20')];
  while (pages.at(-1)?.has_more) pages.push(await list(many.by, `?limit=20&after_id=${pages.at(-1)?.last_id}`));
  expect(pages.map(({ data }) => data.length)).toEqual([20, 20, 5]);
  expect(pages.map(({ has_more }) => has_more)).toEqual([true, true, false]);
  expect(pages.flatMap(idsOf)).toEqual(many.ids);
});

test('53 the page after the oldest batch is empty', async () => {
  const page = await list(many.by, `?after_id=${many.ids.at(-1)}`);
  expect(page).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
});

test('54 before_id gives the batches directly newer, newest first', async () => {
  const oldest = many.ids[19];
  const page = await list(many.by, `?before_id=${oldest}&limit=5`);
  expect(idsOf(page)).toEqual(many.ids.slice(14, 19));
  expect(page.has_more).toBe(true);
  const last = await list(many.by, `?before_id=${many.ids[3]}&limit=5`);
  expect(idsOf(last)).toEqual(many.ids.slice(0, 3));
  expect(last.has_more).toBe(false);
});

test('55 a batch created during a walk shifts no later page', async () => {
  const { by, ids } = await filled(6);
  const first = await list(by, '?limit=2');
  await create(by, items(1));
  const second = await list(by, `?limit=2&after_id=${first.last_id}`);
  const third = await list(by, `?limit=2&after_id=${second.last_id}`);
  expect([first, second, third].flatMap(idsOf)).toEqual(ids);
  expect(third.has_more).toBe(false);
});

test('56 deleted batches are absent, and other workspaces are never seen', async () => {
  const { by, ids } = await filled(3);
  for (const id of ids) await server.finish(by, id);
  expect((await by.delete(`${BATCHES}/${ids[1]}`)).status).toBe(200);
  expect(idsOf(await list(by))).toEqual([ids[0], ids[2]]);
  const foreign = new Set(idsOf(await list(server.k2, '?limit=1000')));
  const own = await create(server.k2, items(1));
  expect(idsOf(await list(server.k2, '?limit=1000'))).toEqual([own.id, ...foreign]);
  for (const id of [...ids, ...many.ids]) expect(foreign.has(id)).toBe(false);
});

test('56 a page goes on from a batch that was deleted meanwhile', async () => {
  const { by, ids } = await filled(4);
  for (const id of ids) await server.finish(by, id);
  const first = await list(by, '?limit=2');
  await by.delete(`${BATCHES}/${first.last_id}`);
  expect(idsOf(await list(by, `?limit=2&after_id=${first.last_id}`))).toEqual(ids.slice(2));
});

test.each(SDK_NAMES)('57 automatic pages of %s yield every batch once, in both directions', async (name) => {
  const { by, ids } = await filled(5);
  const { batches } = sdkClient(name, { baseURL: server.url, apiKey: by.key });
  const older = await collect(batches.list({ limit: 2 }));
  expect(older.map(({ id }) => id)).toEqual(ids);
  const newer = await collect(batches.list({ limit: 2, before_id: ids[4] ?? '' }));
  expect(newer.map(({ id }) => id).toSorted()).toEqual(ids.slice(0, 4).toSorted());
});
