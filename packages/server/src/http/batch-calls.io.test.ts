import type { BatchId } from '@batchwright/protocol';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { NO_AMOUNT } from './batch-options.ts';
import { ask, createBody, startRoom, type Ask, type TestRoom } from './http.fixture.ts';

const BATCHES = '/v1/messages/batches';
const create = (body: string | Uint8Array, headers: Ask['headers'] = {}): Ask => ({
  method: 'POST',
  path: BATCHES,
  body,
  headers: { 'content-type': 'application/json', ...headers },
});
const errorOf = (answer: { body: Record<string, unknown> }) =>
  answer.body['error'] as { type: string; message: string };

describe('create', () => {
  it('answers the whole object, and tells the scheduler', async () => {
    const room = await startRoom();
    const answer = await ask(room, create(createBody(2)));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^msgbatch_01/),
      type: 'message_batch',
      processing_status: 'in_progress',
      request_counts: { processing: 2, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      created_at: '2026-11-21T09:00:00.000000Z',
      expires_at: '2026-11-22T09:00:00.000000Z',
      archived_at: null,
      cancel_initiated_at: null,
      results_url: null,
    });
    expect(room.told).toEqual([`created ${String(answer.body['id'])}`]);
  });

  it('keeps the terms it was made under', async () => {
    const room = await startRoom();
    const headers = {
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'output-300k-2026-03-24',
      'anthropic-user-profile-id': 'profile_1',
      'batchwright-options': '{"counts":"strict","budget_usd":"12.50"}',
    };
    expect((await ask(room, create(createBody(1), headers))).status).toBe(200);
    expect((await room.batches())[0]).toMatchObject({
      workspaceId: room.workspaces.w1,
      apiVersion: '2026-10-21',
      betas: ['output-300k-2026-03-24'],
      userProfileId: 'profile_1',
      options: { counts: 'strict', markers: 'respect', budgetNanoUsd: 12_500_000_000 },
    });
  });

  it.each([
    ['{"count":"live"}', 'batchwright-options: count: Extra inputs are not permitted'],
    ['{"counts":"sometimes"}', `batchwright-options: counts: Input should be 'live' or 'strict'`],
    ['{"budget_usd":0}', `batchwright-options: budget_usd: ${NO_AMOUNT}`],
    ['{"budget_usd":"1e3"}', `batchwright-options: budget_usd: ${NO_AMOUNT}`],
    ['{"budget_usd":null}', `batchwright-options: budget_usd: ${NO_AMOUNT}`],
    ['{"budgetNanoUsd":1}', 'batchwright-options: budgetNanoUsd: Extra inputs are not permitted'],
    ['[]', 'batchwright-options: value: Input should be a JSON object'],
    ['counts=live', 'batchwright-options: value: Input should be a JSON object'],
  ])('refuses the options %s', async (options, message) => {
    const room = await startRoom();
    const answer = await ask(room, create(createBody(1), { 'batchwright-options': options }));
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toBe(message);
    expect(await room.batches()).toEqual([]);
  });

  it('passes on what intake refuses', async () => {
    const room = await startRoom();
    const answer = await ask(room, create('{"requests":[]}'));
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toBe('requests: List should have at least 1 item after validation, not 0');
    expect(room.told).toEqual([]);
  });

  it('makes two batches of two identical calls', async () => {
    const room = await startRoom();
    const headers = { 'idempotency-key': 'same' };
    const [one, two] = [
      await ask(room, create(createBody(1), headers)),
      await ask(room, create(createBody(1), headers)),
    ];
    expect(one.body['id']).not.toBe(two.body['id']);
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (text: string) => Buffer.from(text)],
    ['GZIP', gzipSync],
  ])('understands content-encoding %s', async (encoding, encode) => {
    const room = await startRoom();
    const answer = await ask(room, create(encode(createBody(3)), { 'content-encoding': encoding }));
    expect(answer.status).toBe(200);
    expect((await room.batches())[0]?.requestCount).toBe(3);
  });

  it.each([
    ['zstd', Buffer.from('{}'), 400, 'request_body_encoding_unsupported'],
    ['constructor', Buffer.from('{}'), 400, 'request_body_encoding_unsupported'],
    ['gzip, gzip', gzipSync(gzipSync('{}')), 400, 'request_body_encoding_unsupported'],
    ['gzip', Buffer.from('{"requests":[]}'), 400, 'request_body_encoding_invalid'],
    ['gzip', gzipSync(createBody(50)).subarray(0, 60), 400, 'request_body_encoding_invalid'],
    ['br', Buffer.from('nonsense'), 400, 'request_body_encoding_invalid'],
  ])('a body of encoding %s that cannot be decoded answers its own code', async (encoding, body, status, code) => {
    const room = await startRoom();
    const answer = await ask(room, create(body, { 'content-encoding': encoding }));
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { details: { error_code: code } } });
    expect(await room.batches()).toEqual([]);
  });

  it('a small body that decodes to too much answers 413', async () => {
    const room = await startRoom({ services: { intake: { receive: drain, estimate: drain } } });
    const bomb = gzipSync(Buffer.alloc(257 * 1024 * 1024), { level: 1 });
    const answer = await ask(room, create(bomb, { 'content-encoding': 'gzip' }));
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ error: { details: { error_code: 'request_body_too_large_after_decoding' } } });
  });

  it('a chunked body beyond the limit answers 413', async () => {
    const room = await startRoom({ services: { intake: { receive: drain, estimate: drain } } });
    const answer = await ask(room, {
      ...create(Buffer.alloc(257 * 1024 * 1024)),
      headers: { 'transfer-encoding': 'chunked' },
    });
    expect(answer.status).toBe(413);
    expect(errorOf(answer).type).toBe('request_too_large');
  });

  it('intake that rejects answers 500 and nothing of its reason', async () => {
    const receive = () => Promise.reject(new Error('EIO on /dev/secret'));
    const room = await startRoom({ services: { intake: { receive, estimate: receive } } });
    const answer = await ask(room, create(createBody(1)));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
  });

  it('intake that refuses at once is heard over a body still arriving', async () => {
    const receive = async () => ({ type: 'refused', problem: { type: 'requests_empty' } }) as const;
    const room = await startRoom({ services: { intake: { receive, estimate: receive } } });
    const answer = await ask(room, create(Buffer.alloc(32 * 1024 * 1024, 0x20)));
    expect(answer.status).toBe(400);
  });
});

describe('retrieve', () => {
  it('hints at when to ask again while the batch runs, and shows its live counters', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1);
    const counts = { processing: 1, succeeded: 1, errored: 0, canceled: 0, expired: 0 };
    room.liveCounts.set(batch.id, counts);
    const answer = await ask(room, { path: `${BATCHES}/${batch.id}` });
    expect(answer.status).toBe(200);
    expect(answer.headers['retry-after']).toBe('10');
    expect(answer.body['request_counts']).toEqual(counts);
  });

  it('names the results of an ended batch under the host the client used', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, 'ended');
    const answer = await ask(room, { path: `${BATCHES}/${batch.id}`, headers: { host: 'batches.example:8443' } });
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect(answer.body['results_url']).toBe(`http://batches.example:8443${BATCHES}/${batch.id}/results`);
  });

  it('names no results once they are archived', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, 'archived');
    const answer = await ask(room, { path: `${BATCHES}/${batch.id}` });
    expect(answer.body).toMatchObject({ results_url: null, archived_at: '2026-11-21T09:00:00.000000Z' });
  });

  it('a public URL with a prefix reaches the batch with the prefix kept or stripped', async () => {
    const room = await startRoom({ settings: { publicUrl: 'https://h.example/anthropic' } });
    const batch = await room.addBatch(room.workspaces.w1, 'ended');
    for (const prefix of ['', '/anthropic']) {
      const answer = await ask(room, { path: `${prefix}${BATCHES}/${batch.id}` });
      expect(answer.body['results_url']).toBe(`https://h.example/anthropic${BATCHES}/${batch.id}/results`);
    }
  });

  it('percent-encoded ids are the ids they spell', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1);
    expect((await ask(room, { path: `${BATCHES}/${batch.id.replace('_', '%5F')}` })).status).toBe(200);
  });

  it.each(['msgbatch_01missing', 'a%20b', '%00', 'x%2Fresults', '..%2F..', `${'a'.repeat(300)}`])(
    'of the id %s answers 404 in the API’s words',
    async (id) => {
      const room = await startRoom();
      const answer = await ask(room, { path: `${BATCHES}/${id}` });
      expect(answer.status).toBe(404);
      expect(errorOf(answer)).toEqual({
        type: 'not_found_error',
        message: `Message Batch ${decodeURIComponent(id)} not found.`,
      });
    },
  );
});

describe('list', () => {
  const page = async (room: TestRoom, query: string) => {
    const { status, body } = await ask(room, { path: `${BATCHES}?${query}` });
    const ids = (body['data'] as { id: string }[] | undefined)?.map((batch) => batch.id);
    return { status, ids, body };
  };

  it('of an empty workspace is an empty page', async () => {
    const room = await startRoom();
    const answer = await ask(room, { path: BATCHES });
    expect(answer.text).toBe('{"data":[],"has_more":false,"first_id":null,"last_id":null}');
  });

  it('walks 45 batches in pages of 20, newest first, and back', async () => {
    const room = await startRoom();
    const newestFirst = await addBatches(room, 45);
    const first = await page(room, '');
    const second = await page(room, `after_id=${first.body['last_id']}`);
    const third = await page(room, `after_id=${second.body['last_id']}`);
    expect([first, second, third].flatMap((p) => p.ids)).toEqual(newestFirst);
    expect([first, second, third].map((p) => p.body['has_more'])).toEqual([true, true, false]);
    const back = await page(room, `before_id=${newestFirst[20]}&limit=5`);
    expect(back.ids).toEqual(newestFirst.slice(15, 20));
    expect(back.body).toMatchObject({ has_more: true, first_id: newestFirst[15], last_id: newestFirst[19] });
  });

  it.each([
    ['limit=0', 'limit: Input should be greater than or equal to 1'],
    ['limit=-3', 'limit: Input should be greater than or equal to 1'],
    ['limit=1001', 'limit: Input should be less than or equal to 1000'],
    ['limit=x', 'limit: Input should be a valid integer, unable to parse string as an integer'],
    ['limit=1.5', 'limit: Input should be a valid integer, unable to parse string as an integer'],
    ['limit=', 'limit: Input should be a valid integer, unable to parse string as an integer'],
    ['after_id=a&before_id=b', 'after_id and before_id cannot be used together. Send one of the two.'],
    ['after_id=msgbatch_01no', 'after_id: `msgbatch_01no` is not the id of an object in this workspace.'],
    ['before_id=%00', 'before_id: `\0` is not the id of an object in this workspace.'],
  ])('refuses ?%s', async (query, message) => {
    const room = await startRoom();
    const { status, body } = await page(room, query);
    expect(status).toBe(400);
    expect(errorOf({ body })).toEqual({ type: 'invalid_request_error', message });
  });

  it('ignores parameters it does not know', async () => {
    const room = await startRoom();
    expect((await page(room, 'limit=1000&beta=true&status=ended&%zz')).status).toBe(200);
  });
});

describe('cancel and delete', () => {
  it('cancel answers the canceling batch and tells the scheduler; again changes nothing', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1);
    const cancel: Ask = { method: 'POST', path: `${BATCHES}/${batch.id}/cancel` };
    const first = await ask(room, cancel);
    expect(first.body).toMatchObject({
      processing_status: 'canceling',
      cancel_initiated_at: '2026-11-21T09:00:00.000000Z',
      ended_at: null,
      results_url: null,
      request_counts: { processing: 2 },
    });
    await room.clock.advance(5000);
    expect((await ask(room, cancel)).text).toBe(first.text);
    expect(room.told[0]).toBe(`cancel ${batch.id}`);
  });

  it('cancel of an ended batch answers it unchanged', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, 'ended');
    const answer = await ask(room, { method: 'POST', path: `${BATCHES}/${batch.id}/cancel` });
    expect(answer.body).toMatchObject({ processing_status: 'ended', cancel_initiated_at: null });
    expect(room.told).toEqual([]);
  });

  it.each(['in_progress', 'canceling'] as const)('delete while %s answers 400', async (status) => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, status);
    const answer = await ask(room, { method: 'DELETE', path: `${BATCHES}/${batch.id}` });
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toBe(
      'In progress batches cannot be deleted. Consider canceling the batch instead.',
    );
    expect(await room.batches()).toHaveLength(1);
  });

  it('delete answers a receipt; afterwards the id is unknown everywhere', async () => {
    const room = await startRoom();
    const batch = await room.addBatch(room.workspaces.w1, 'ended');
    const path = `${BATCHES}/${batch.id}`;
    const receipt = await ask(room, { method: 'DELETE', path });
    expect(receipt.text).toBe(`{"id":"${batch.id}","type":"message_batch_deleted"}`);
    expect(room.told).toEqual([`deleted ${batch.id}`]);
    const calls: Ask[] = [
      { path },
      { path: `${path}/results` },
      { method: 'POST', path: `${path}/cancel` },
      { method: 'DELETE', path },
    ];
    for (const call of calls) expect((await ask(room, call)).status).toBe(404);
  });

  it('work without a content type, and with one on an empty body', async () => {
    const room = await startRoom();
    const ids = [(await room.addBatch(room.workspaces.w1)).id, (await room.addBatch(room.workspaces.w1)).id] as [
      BatchId,
      BatchId,
    ];
    const path = (id: BatchId) => `${BATCHES}/${id}/cancel`;
    const headers = { 'content-type': 'application/json', 'content-length': '0' };
    expect((await ask(room, { method: 'POST', path: path(ids[0]) })).status).toBe(200);
    expect((await ask(room, { method: 'POST', path: path(ids[1]), headers })).status).toBe(200);
  });
});

/** Intake that only reads, for bodies that must not be held. */
async function drain(body: AsyncIterable<unknown>) {
  try {
    for await (const _chunk of body);
  } catch {
    return { type: 'broken_off' } as const;
  }
  return { type: 'refused', problem: { type: 'requests_empty' } } as const;
}

/** Adds batches one after the other; answers their ids, newest first. */
async function addBatches(room: TestRoom, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.unshift((await room.addBatch(room.workspaces.w1)).id);
  return ids;
}
