import { makeId, type BatchId } from '@batchwright/protocol';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ask, MemoryReader, startRoom, type Answer, type TestRoom } from './http.fixture.ts';
import { ROUTES } from './routes.ts';

/** Every route whose path names a batch, taken from the route table so that a new one cannot be forgotten. */
const NAMING_A_BATCH = ROUTES.filter((route) => route.path.includes('{message_batch_id}'));

describe('another workspace’s batch', () => {
  it('is named by the routes this table tests', () => {
    expect(NAMING_A_BATCH.length).toBeGreaterThanOrEqual(10);
  });

  it.each(NAMING_A_BATCH.map((route) => [route.method, route.path] as const))(
    '%s %s answers exactly as for a missing one',
    async (method, path) => {
      for (const stage of ['in_progress', 'canceling', 'ended', 'archived'] as const) {
        const room = await startRoom();
        const foreign = (await room.addBatch(room.workspaces.w2, stage)).id;
        room.results.set(foreign, new MemoryReader(Buffer.from('secret\n')));
        const missing = makeId('batch', (length) => randomBytes(length)) as BatchId;
        const call = async (id: BatchId) => anonymous(await ask(room, { method, path: pathOf(path, id) }), id);
        expect(await call(foreign)).toEqual(await call(missing));
        expect(room.told).toEqual([]);
        expect(await room.batches()).toHaveLength(1);
      }
    },
  );

  it('is in no list, and is no cursor', async () => {
    const room = await startRoom();
    const foreign = (await room.addBatch(room.workspaces.w2)).id;
    expect((await list(room, '')).body['data']).toEqual([]);
    const missing = makeId('batch', (length) => randomBytes(length));
    for (const name of ['after_id', 'before_id']) {
      const answers = [foreign, missing].map(async (id) => anonymous(await list(room, `?${name}=${id}`), id));
      const [one, other] = await Promise.all(answers);
      expect(one).toEqual(other);
      expect(one?.status).toBe(400);
    }
  });

  it('is seen by every key of its own workspace', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1);
    for (const key of [room.keys.k1a, room.keys.k1b]) {
      expect((await ask(room, { path: `/v1/messages/batches/${batch.id}`, key })).status).toBe(200);
    }
  });
});

function pathOf(route: string, id: BatchId): string {
  return route.replace('{message_batch_id}', id).replace('{custom_id}', 'r-0');
}

function list(room: TestRoom, query: string): Promise<Answer> {
  return ask(room, { path: `/v1/messages/batches${query}` });
}

/** An answer without what rightly differs: the id asked for, the request id and the time of day. */
function anonymous(answer: Answer, id: string) {
  const requestId = String(answer.headers['request-id']);
  const { date: _date, 'request-id': _requestId, ...headers } = answer.headers;
  return { status: answer.status, headers, text: answer.text.replaceAll(id, 'ID').replaceAll(requestId, 'REQUEST') };
}
