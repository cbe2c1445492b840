import { connect } from 'node:net';
import { microsecondsFromMs, type BatchId, type BatchResultLine } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import type { BatchTerms } from '../intake/intake.ts';
import { silentLog } from '../observe/log.ts';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import { chunkOf, store, submission } from '../spool/spool.fixture.ts';
import type { RequestLog } from '../spool/spool.ts';
import { ask, startRoom, type TestRoom } from './http.fixture.ts';
import {
  requestTaking,
  startWholeServer,
  type Answered,
  type Asked,
  type WholeServer,
} from './whole-server.fixture.ts';

const HOUR_MS = 3_600_000;

const rerun = (server: WholeServer, id: string, asked: Partial<Asked> = {}): Promise<Answered> =>
  server.ask({ method: 'POST', path: `/ext/v1/batches/${id}/rerun`, ...asked });

const idOf = ({ body }: Answered): string => (body['batch'] as { id: string }).id;

async function resultsOf(server: WholeServer, id: string): Promise<ReadonlyMap<string, BatchResultLine['result']>> {
  const { status, text } = await server.ask({ path: `/v1/messages/batches/${id}/results` });
  expect(status, text).toBe(200);
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BatchResultLine);
  return new Map(rows.map((row) => [row.custom_id, row.result]));
}

async function paramsOf(server: WholeServer, id: string, customId: string): Promise<string> {
  const { text } = await server.ask({ path: `/ext/v1/batches/${id}/requests/${customId}` });
  return text.slice(text.indexOf('"params":'), text.lastIndexOf(',"result":'));
}

/** A body whose params are written in a way that nobody else would write them. */
function oddBody(customIds: readonly string[]): string {
  const requests = customIds.map(
    (id, i) =>
      `{ "params" : { "max_tokens":16 ,"model":"claude-haiku-4-5","messages":[{"content":"n\\u00e9e 🙂 ${id}","role":"user"}],\t"temperature":0.${i}0 },"custom_id":"${id}"}`,
  );
  return `{\n"requests":[${requests.join(' , ')}]}`;
}

const CUSTOM_IDS = ['good-0', 'bad-0', 'busy-0', 'good-1', 'busy-1', 'bad-1', 'denied-0', 'good-2'];

/** A batch that ended with three succeeded, three errored (two kinds) and two expired; afterwards nothing goes wrong. */
async function mixedBatch(server: WholeServer): Promise<string> {
  await server.faults(
    ...['bad-0', 'bad-1'].map((custom_id) => ({ kind: 'bad_request', match: { custom_id } })),
    ...['busy-0', 'busy-1'].map((custom_id) => ({ kind: 'overloaded', match: { custom_id } })),
  );
  const body = oddBody(CUSTOM_IDS).replace(
    '"claude-haiku-4-5","messages":[{"content":"n\\u00e9e 🙂 denied',
    '"no-such-model","messages":[{"content":"n\\u00e9e 🙂 denied',
  );
  const id = await server.create(body);
  await server.advance(25 * HOUR_MS);
  const types = [...(await resultsOf(server, id))].map(([customId, { type }]) => `${customId} ${type}`);
  expect(types.toSorted()).toEqual([
    'bad-0 errored',
    'bad-1 errored',
    'busy-0 expired',
    'busy-1 expired',
    'denied-0 errored',
    'good-0 succeeded',
    'good-1 succeeded',
    'good-2 succeeded',
  ]);
  await server.faults();
  return id;
}

describe('a rerun', () => {
  it('is a new batch of exactly what failed, byte for byte and in its order, with right results', async () => {
    const server = await startWholeServer();
    const id = await mixedBatch(server);
    const made = await rerun(server, id);
    expect(made).toMatchObject({ status: 200, body: { type: 'batch_rerun', from: id, requests: 5 } });
    expect(made.body['batch']).toMatchObject({ type: 'message_batch', request_counts: { processing: 5 } });
    const next = idOf(made);
    for (const customId of CUSTOM_IDS.filter((one) => !one.startsWith('good'))) {
      expect(await paramsOf(server, next, customId)).toBe(await paramsOf(server, id, customId));
    }
    await server.restart();
    await server.advance(HOUR_MS);
    const again = await resultsOf(server, next);
    expect([...again].map(([customId, { type }]) => `${customId} ${type}`).toSorted()).toEqual([
      'bad-0 succeeded',
      'bad-1 succeeded',
      'busy-0 succeeded',
      'busy-1 succeeded',
      'denied-0 errored',
    ]);
    expect((await resultsOf(server, id)).size).toBe(8);
    const rest = await rerun(server, next);
    expect(rest.body).toMatchObject({ from: next, requests: 1 });
  });

  it.each<[string, object, readonly string[]]>([
    [
      'all types, by name',
      { types: ['errored', 'expired', 'canceled'] },
      ['bad-0', 'busy-0', 'busy-1', 'bad-1', 'denied-0'],
    ],
    ['what expired', { types: ['expired'] }, ['busy-0', 'busy-1']],
    ['what errored', { types: ['errored'] }, ['bad-0', 'bad-1', 'denied-0']],
    ['one kind of error', { types: ['errored'], error_types: ['invalid_request_error'] }, ['bad-0', 'bad-1']],
    ['one kind of error, and all else', { error_types: ['not_found_error'] }, ['busy-0', 'busy-1', 'denied-0']],
  ])('takes %s', async (_name, body, expected) => {
    const server = await startWholeServer();
    const id = await mixedBatch(server);
    const made = await rerun(server, id, { body });
    expect(made.body).toMatchObject({ requests: expected.length });
    const held = CUSTOM_IDS.map(async (customId) => {
      const path = `/ext/v1/batches/${idOf(made)}/requests/${customId}?include=none`;
      return (await server.ask({ path })).status === 200 ? [customId] : [];
    });
    expect((await Promise.all(held)).flat().toSorted()).toEqual(expected.toSorted());
  });

  it('takes what was canceled', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('quick', 1000), requestTaking('slow', 600_000)]);
    await server.advance(10_000);
    await server.ask({ method: 'POST', path: `/v1/messages/batches/${id}/cancel` });
    await server.advance(60_000);
    const made = await rerun(server, id);
    expect(made.body).toMatchObject({ requests: 1 });
    await server.advance(HOUR_MS);
    expect([...(await resultsOf(server, idOf(made)))]).toMatchObject([['slow', { type: 'succeeded' }]]);
  });

  it('has the options of the batch it comes from, unless others are given', async () => {
    const server = await startWholeServer();
    const headers = { 'batchwright-options': '{"markers":"auto","budget_usd":"5"}' };
    const id = await server.create([requestTaking('a', 1000)], headers);
    await server.ask({ method: 'POST', path: `/v1/messages/batches/${id}/cancel` });
    await server.advance(60_000);
    const optionsOf = async (options?: object) => {
      const sent = options === undefined ? {} : { headers: { 'batchwright-options': JSON.stringify(options) } };
      const { body } = await server.ask({ path: `/ext/v1/batches/${idOf(await rerun(server, id, sent))}` });
      return [(body['plan'] as { markers: string }).markers, (body['budget'] as { usd: string } | null)?.usd];
    };
    expect(await optionsOf()).toEqual(['auto', '5.00']);
    expect(await optionsOf({ budget_usd: '7.50' })).toEqual(['auto', '7.50']);
    expect(await optionsOf({ budget_usd: null, markers: 'off' })).toEqual(['off', undefined]);
    const wrong = await rerun(server, id, { headers: { 'batchwright-options': '{"colour":"red"}' } });
    expect([wrong.status, wrong.body['error']]).toMatchObject([400, { type: 'invalid_request_error' }]);
  });

  it('is refused while the batch runs, and the answer says what helps', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('a', 1000)]);
    const { status, body } = await rerun(server, id);
    expect([status, body['error']]).toMatchObject([
      400,
      { message: `Message Batch ${id} has not ended. Rerun it once its processing_status is \`ended\`, or cancel it.` },
    ]);
  });

  it('is refused where nothing failed, or nothing of what is asked for', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('a', 1000)]);
    await server.advance(HOUR_MS);
    const message = async (body?: object) => {
      const answer = await rerun(server, id, body === undefined ? {} : { body });
      expect(answer.status).toBe(400);
      return (answer.body['error'] as { message: string }).message;
    };
    expect(await message()).toBe(
      `Message Batch ${id} has no request that errored or was canceled or expired; there is nothing to rerun.`,
    );
    expect(await message({ types: ['errored'], error_types: ['api_error'] })).toBe(
      `Message Batch ${id} has no request that errored with api_error; there is nothing to rerun.`,
    );
    const { body } = await server.ask({ path: '/v1/messages/batches' });
    expect(body['data']).toHaveLength(1);
  });

  it('is refused once the batch is archived', async () => {
    const server = await startWholeServer();
    const id = await mixedBatch(server);
    await server.advance(30 * 24 * HOUR_MS);
    const { status, body } = await rerun(server, id);
    expect([status, body['error']]).toMatchObject([404, { message: expect.stringContaining('is archived') }]);
  });

  it.each([
    ['[]', 'body: Input should be a JSON object'],
    ['{"types":', 'body: Input should be a JSON object'],
    ['{"kinds":["errored"]}', 'kinds: Extra inputs are not permitted'],
    ['{"types":["succeeded"]}', `types: Input should be a list of one or more of 'errored', 'canceled', 'expired'`],
    ['{"types":[]}', 'types: Input should be a list'],
    ['{"types":"errored"}', 'types: Input should be a list'],
    ['{"error_types":[""]}', 'error_types: Input should be a list of error types'],
    ['{"types":["expired"],"error_types":["api_error"]}', 'error_types: Only what errored has one'],
  ])('refuses %s', async (body, message) => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('a', 1000)]);
    await server.advance(HOUR_MS);
    const answer = await rerun(server, id, { body });
    expect(answer.status).toBe(400);
    expect((answer.body['error'] as { message: string }).message).toContain(message);
  });

  it('of large and small requests passes in parts and arrives whole', async () => {
    const server = await startWholeServer();
    const sizes = [10, 300_000, 5_000_000, 262_144, 100, 1_500_000];
    const requests = sizes.map((size, i) => ({
      custom_id: `r-${i}`,
      params: {
        model: 'claude-haiku-4-5',
        max_tokens: 16,
        messages: [{ role: 'user', content: `é${i} `.repeat(size / 4) }],
      },
    }));
    const id = await server.create(requests);
    await server.ask({ method: 'POST', path: `/v1/messages/batches/${id}/cancel` });
    await server.advance(60_000);
    const made = await rerun(server, id);
    expect(made.body).toMatchObject({ requests: sizes.length });
    for (const { custom_id } of requests) {
      const [was, is] = await Promise.all([paramsOf(server, id, custom_id), paramsOf(server, idOf(made), custom_id)]);
      expect(is === was).toBe(true);
    }
  });

  it('of 100,000 requests is whole', async () => {
    const server = await startWholeServer();
    const text = 'x'.repeat(500);
    const params = `{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":"${text}"}]}`;
    const requests = Array.from({ length: 100_000 }, (_, i) => `{"custom_id":"r-${i}","params":${params}}`);
    const id = await server.create(`{"requests":[${requests.join(',')}]}`);
    await server.ask({ method: 'POST', path: `/v1/messages/batches/${id}/cancel` });
    await server.advance(60_000);
    const made = await rerun(server, id);
    expect(made).toMatchObject({ status: 200, body: { requests: 100_000 } });
    expect(await paramsOf(server, idOf(made), 'r-99999')).toBe(`"params":${params}`);
  });
});

describe('what intake is given for a rerun', () => {
  it('are the version, betas and profile of the batch it comes from', async () => {
    const { room, id, intake } = await endedBatch();
    const made = await ask(room, { method: 'POST', path: `/ext/v1/batches/${id}/rerun` });
    expect(made.status, made.text).toBe(200);
    expect(intake.terms).toMatchObject({ workspaceId: room.workspaces.w1, ...TERMS });
    expect(intake.body).toBe(
      '{"requests":[{"custom_id":"r-0","params":{"a":1}},{"custom_id":"r-2","params":{"c":3}}]}',
    );
    expect(room.told).toEqual([`created ${(made.body['batch'] as { id: string }).id}`]);
  });

  it('breaks off when the client goes, and no batch is made', async () => {
    let isHeld = (): void => {};
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => (isHeld = resolve));
    const going = new Promise<void>((resolve) => (goOn = resolve));
    const { room, id, intake } = await endedBatch({
      readParams: async () => {
        isHeld();
        await going;
        return Buffer.from('{}');
      },
    });
    const path = `/ext/v1/batches/${id}/rerun`;
    const socket = connect(room.port, '127.0.0.1');
    socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\nx-api-key: ${room.keys.k1a}\r\ncontent-length: 0\r\n`);
    socket.write('anthropic-version: 2023-06-01\r\n\r\n');
    await held;
    socket.destroy();
    await intake.callOver;
    goOn();
    expect(await intake.over).toBe('broken_off');
    expect(await room.batches()).toHaveLength(1);
    expect(room.told).toEqual([]);
  });

  it('breaks off when the old requests cannot be read, which is no fault of the client’s', async () => {
    const { room, id, intake } = await endedBatch({ readParams: () => Promise.reject(new Error('EIO')) });
    const made = await ask(room, { method: 'POST', path: `/ext/v1/batches/${id}/rerun` });
    expect(await intake.over).toBe('broken_off');
    expect([made.status, made.body['error']]).toMatchObject([500, { type: 'api_error' }]);
    expect(await room.batches()).toHaveLength(1);
  });
});

const TERMS = { apiVersion: '2026-10-21', betas: ['b-2026-01-01'], userProfileId: 'profile-1' } as const;

/** A room with an ended batch of three requests, the first and the last of which failed, and an intake that takes notes. */
async function endedBatch(reading: Partial<RequestLog> = {}) {
  const spool = createMemorySpool();
  const noted: { terms: BatchTerms | null; body: string } = { terms: null, body: '' };
  let tell = (_how: string): void => {};
  const over = new Promise<string>((resolve) => (tell = resolve));
  let tellCallOver = (): void => {};
  const callOver = new Promise<void>((resolve) => (tellCallOver = resolve));
  const room: TestRoom = await startRoom({
    services: {
      log: { ...silentLog, info: () => tellCallOver() },
      spool: {
        ...spool,
        openRequestLog: async (id) => {
          const log = await spool.openRequestLog(id);
          return { ...log, ...(reading.readParams === undefined ? {} : { peekParams: () => null }), ...reading };
        },
      },
      intake: {
        async receive(body, terms) {
          noted.terms = terms;
          try {
            for await (const chunk of body) noted.body += String(chunk);
          } catch {
            tell('broken_off');
            return { type: 'broken_off' };
          }
          tell('complete');
          const id = 'msgbatch_01bbbbbbbbbbbbbbbbbbbbbb' as BatchId;
          const nowUs = microsecondsFromMs(room.clock.now());
          const created = await room.catalog.batches.create({ ...terms, id, requestCount: 2 }, nowUs, null);
          if (created.type !== 'created') throw new Error(created.type);
          return { type: 'accepted', batch: created.batch };
        },
        estimate: () => Promise.reject(new Error('nobody asked')),
      },
    },
  });
  const id = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
  const options = { counts: 'live', markers: 'respect', budgetNanoUsd: null } as const;
  const nowUs = microsecondsFromMs(room.clock.now());
  const batch = { id, workspaceId: room.workspaces.w1, requestCount: 3, options, ...TERMS };
  await room.catalog.batches.create(batch, nowUs, null);
  await store(spool, id, submission(['{"a":1}', '{"b":2}', '{"c":3}']));
  const log = await spool.openResultLog(id, 0, 1);
  const settled = (['expired', 'succeeded', 'canceled'] as const).map((type, i) => ({ request: 2 - i, type }));
  await log.commit(chunkOf(settled));
  const [lease] = await room.catalog.shards.claim('test', nowUs, 1000, 1, id);
  const counts = { processing: 0, succeeded: 1, errored: 0, canceled: 1, expired: 1 };
  await room.catalog.shards.end(lease!, counts, nowUs);
  const intake = {
    over,
    callOver,
    get terms() {
      return noted.terms;
    },
    get body() {
      return noted.body;
    },
  };
  return { room, id, intake };
}

describe('the server', () => {
  it('says that it is one of these, and what it can', async () => {
    const server = await startWholeServer();
    const { status, body, headers } = await server.ask({ path: '/ext/v1' });
    expect(status).toBe(200);
    expect(body).toEqual({
      type: 'server',
      name: 'batchwright',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      capabilities: ['batch_details', 'estimate', 'budget', 'usage', 'partial_results', 'events', 'requests', 'rerun'],
      upstream: { name: 'simulated', is_simulated: true },
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('anthropic-ratelimit'))).toEqual([]);
    expect((await server.ask({ path: '/ext/v1', headers: { 'x-api-key': 'wrong' } })).status).toBe(401);
  });
});
