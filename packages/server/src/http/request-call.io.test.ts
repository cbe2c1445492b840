import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createMemorySpool } from '../spool/memory/memory-spool.ts';
import { chunkOf, store, submission } from '../spool/spool.fixture.ts';
import { ask, startRoom } from './http.fixture.ts';
import { requestTaking, startWholeServer, type WholeServer } from './whole-server.fixture.ts';

const pathOf = (id: string, customId: string, query = ''): string =>
  `/ext/v1/batches/${id}/requests/${customId}${query}`;

/** The params of a request as they lie in the answer's text. */
const paramsIn = (text: string): string => text.slice(text.indexOf('"params":') + 9, text.lastIndexOf(',"result":'));

describe('a request of a batch', () => {
  it('comes back byte for byte, before and after it has its result', async () => {
    const server = await startWholeServer();
    const odd = `{ "max_tokens" : 16,"model":"claude-haiku-4-5",\n\t"messages":[{"role":"user","content":"n\\u00e9e 🙂 ,\\"result\\":"}] }`;
    const id = await server.create(`{"requests":[{"custom_id":"odd","params":${odd}},
      {"params":{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":"x"}]},"custom_id":"b"}]}`);
    const before = await server.ask({ path: pathOf(id, 'odd') });
    expect(before.body).toMatchObject({ type: 'batch_request', custom_id: 'odd', result: null });
    expect(['pending', 'dispatched']).toContain(before.body['state']);
    expect(paramsIn(before.text)).toBe(odd);
    await server.advance(3_600_000);
    const after = await server.ask({ path: pathOf(id, 'odd') });
    expect(after.body).toMatchObject({ custom_id: 'odd', state: 'settled', result: { type: 'succeeded' } });
    expect(paramsIn(after.text)).toBe(odd);
    const line = (await server.ask({ path: `/v1/messages/batches/${id}/results` })).text
      .split('\n')
      .find((text) => text.startsWith('{"custom_id":"odd"'));
    expect(line).toBe(`{"custom_id":"odd",${after.text.slice(after.text.lastIndexOf('"result":'))}`);
  });

  it('has its result while the others run, and after a restart', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('quick', 1000), requestTaking('slow', 600_000)]);
    await server.advance(10_000);
    const states = async () => {
      const answers = ['quick', 'slow'].map((customId) => server.ask({ path: pathOf(id, customId) }));
      return (await Promise.all(answers)).map(({ body }) => [
        body['state'],
        (body['result'] as { type: string } | null)?.type,
      ]);
    };
    expect(await states()).toEqual([
      ['settled', 'succeeded'],
      ['dispatched', undefined],
    ]);
    await server.restart();
    expect((await states())[0]).toEqual(['settled', 'succeeded']);
    await server.advance(3_600_000);
    expect((await states())[1]).toEqual(['settled', 'succeeded']);
  });

  it.each(['errored', 'canceled', 'expired'] as const)('shows a result that is %s', async (type) => {
    const server = await startWholeServer();
    const match = { match: { custom_id: 'a' } };
    if (type === 'errored') await server.faults({ kind: 'bad_request', message: 'as the test wants it', ...match });
    if (type === 'expired') await server.faults({ kind: 'overloaded', ...match });
    const id = await server.create([requestTaking('a', 1000)]);
    if (type === 'canceled') await server.ask({ method: 'POST', path: `/v1/messages/batches/${id}/cancel` });
    await server.advance(25 * 3_600_000);
    expect((await server.ask({ path: pathOf(id, 'a') })).body).toMatchObject({ state: 'settled', result: { type } });
  });

  it('is told to be there or not, without what is in it', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('here', 1000)]);
    const head = await server.ask({ path: pathOf(id, 'here', '?include=none') });
    expect(head).toMatchObject({ status: 200, body: { type: 'batch_request', custom_id: 'here' } });
    expect(Object.keys(head.body)).toEqual(['type', 'custom_id', 'state']);
    await server.advance(3_600_000);
    expect((await server.ask({ path: pathOf(id, 'here', '?include=none') })).body['state']).toBe('settled');
    for (const [customId, query] of [
      ['there', ''],
      ['there', '?include=none'],
      ['her', ''],
      ['%20', ''],
      ['..%2Fhere', ''],
    ] as const) {
      const { status, body } = await server.ask({ path: pathOf(id, customId, query) });
      expect([status, body['error']]).toMatchObject([404, { type: 'not_found_error' }]);
    }
    expect((await server.ask({ path: pathOf(id, 'here', '?include=all') })).body).toMatchObject({
      error: { message: `include: Input should be 'none', or left out for params and result` },
    });
  });

  it('is gone with an archived batch, and the answer says so', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('a', 1000)]);
    await server.advance(30 * 24 * 3_600_000);
    const { status, body } = await server.ask({ path: pathOf(id, 'a') });
    expect([status, body['error']]).toMatchObject([404, { message: expect.stringContaining('is archived') }]);
  });

  it('has the length it says, and HEAD tells it without sending anything', async () => {
    const server = await startWholeServer();
    const id = await server.create([requestTaking('a', 1000)]);
    await server.advance(60_000);
    const whole = await server.ask({ path: pathOf(id, 'a') });
    const head = await server.ask({ method: 'HEAD', path: pathOf(id, 'a') });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(whole.text)));
  });

  it('of many megabytes passes in parts, none of which is held', async () => {
    const params = `{"text":"${'x'.repeat(40 * 1024 * 1024)}"}`;
    const spool = createMemorySpool();
    let largest = 0;
    const room = await startRoom({
      services: {
        spool: {
          ...spool,
          async openRequestLog(id) {
            const log = await spool.openRequestLog(id);
            return {
              ...log,
              readParams: () => Promise.reject(new Error('all of it at once')),
              peekParams: () => null,
              readBody(target, position) {
                largest = Math.max(largest, target.length);
                return log.readBody(target, position);
              },
            };
          },
        },
      },
    });
    const { id } = await room.addBatch(room.workspaces.w1, 'ended');
    await store(spool, id, submission([params, '{}']));
    const log = await spool.openResultLog(id, 0, 1);
    await log.commit(
      chunkOf([
        { request: 1, type: 'expired' },
        { request: 0, type: 'succeeded', text: 'née' },
      ]),
    );
    const text = await download(room.port, room.keys.k1a, pathOf(id, 'r-0'));
    const result = '{"type":"succeeded","message":{"text":"née"}}';
    const expected = `{"type":"batch_request","custom_id":"r-0","state":"settled","params":${params},"result":${result}}`;
    expect(text === expected).toBe(true);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
  });

  it('that settled while it was being looked for is looked for again', async () => {
    const spool = createMemorySpool();
    let looked = 0;
    const room = await startRoom({
      services: {
        spool: {
          ...spool,
          // What the last commit wrote, nobody can prove between the closing of a log and the news of the end.
          readDurableResults: async () => (looked++, null),
        },
        progress: {
          counts: () => null,
          details: () => null,
          requestState: () => 'settled',
          listen: () => () => undefined,
        },
      },
    });
    const { id, workspaceId } = await room.addBatch(room.workspaces.w1);
    await store(spool, id, submission(['{}', '{}']));
    const log = await spool.openResultLog(id, 0, 1);
    await log.commit(chunkOf([{ request: 0, type: 'succeeded' }]));
    const find = room.catalog.batches.find.bind(room.catalog.batches);
    Object.assign(room.catalog.batches, {
      async find(...args: Parameters<typeof find>) {
        const batch = await find(...args);
        return looked === 0 || batch === null ? batch : { ...batch, status: 'ended' };
      },
    });
    expect(workspaceId).toBe(room.workspaces.w1);
    const { body } = await ask(room, { path: pathOf(id, 'r-0') });
    expect(body).toMatchObject({ state: 'settled', result: { type: 'succeeded' } });
    expect(looked).toBe(1);
  });
});

describe('a batch of 100,000 requests', () => {
  it('is asked for any of them in milliseconds', async () => {
    const server = await startWholeServer();
    const id = await server.create(hundredThousand());
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const customId = `request-${String((i * 2_503 + 99_999) % 100_000).padStart(6, '0')}`;
      const startedMs = performance.now();
      const { body } = await server.ask({ path: pathOf(id, customId, '?include=none') });
      times.push(performance.now() - startedMs);
      expect(body).toMatchObject({ custom_id: customId });
    }
    const missing = await server.ask({ path: pathOf(id, 'request-100000', '?include=none') });
    expect(missing.status).toBe(404);
    // About 5 ms each on a quiet machine, most of it for reading the index; others use this one.
    expect(times.toSorted((a, b) => a - b)[20]).toBeLessThan(250);
  });

  it('finds one result among the others without reading them', async () => {
    const server = await startWholeServer();
    const id = await server.create(hundredThousand());
    await cancelAll(server, id);
    for (const customId of ['request-000000', 'request-050000', 'request-099999']) {
      const { body } = await server.ask({ path: pathOf(id, customId) });
      expect(body).toMatchObject({ custom_id: customId, state: 'settled', result: { type: 'canceled' } });
    }
  });
});

function hundredThousand(): string {
  const params = '{"model":"claude-haiku-4-5","max_tokens":1,"messages":[{"role":"user","content":"x"}]}';
  const requests = Array.from(
    { length: 100_000 },
    (_, i) => `{"custom_id":"request-${String(i).padStart(6, '0')}","params":${params}}`,
  );
  return `{"requests":[${requests.join(',')}]}`;
}

/** Ends a batch without answering its requests one by one. */
async function cancelAll(server: WholeServer, id: string): Promise<void> {
  await server.ask({ method: 'POST', path: `/v1/messages/batches/${id}/cancel` });
  await server.advance(60_000);
  const { body } = await server.ask({ path: `/v1/messages/batches/${id}` });
  expect(body['processing_status']).toBe('ended');
}

function download(port: number, key: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' };
    httpRequest({ port, path, headers, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve(Buffer.concat(chunks).toString());
    })
      .once('error', reject)
      .end();
  });
}
