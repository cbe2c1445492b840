import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Anthropic from '@anthropic-ai/sdk';
import { connectService, resolveBatch, type BatchBody, type BatchService } from '@batchwright/client';
import { systemClock } from '@batchwright/core';
import type { BatchResultLine } from '@batchwright/protocol';
import { createSimulator, serveSimulator } from '@batchwright/simulator';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { item, items, itemTaking, type Item } from '../harness/batches.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** The service against the servers it is for: a Batchwright, and the simulator's native batches in place of the hosted API. */
const INSTANT = { baseTtftMs: 0, prefillTokensPerSecond: Infinity, decodeTokensPerSecond: Infinity };

function connect(baseURL: string, apiKey = 'any'): Promise<BatchService> {
  return connectService(new Anthropic({ baseURL, apiKey, maxRetries: 0 }));
}

/** A create body, written request by request. */
function bodyOf(requests: readonly Item[], options: BatchBody['options'] = null): BatchBody {
  const pieces = ['{"requests":[', ...requests.map((one, i) => (i === 0 ? '' : ',') + JSON.stringify(one)), ']}'];
  return {
    requests: requests.length,
    bytes: pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0),
    options,
    async *pieces() {
      for (const piece of pieces) yield Buffer.from(piece);
    },
  };
}

async function idOf(service: BatchService, requests: readonly Item[], options?: BatchBody['options']): Promise<string> {
  const outcome = await service.create(bodyOf(requests, options ?? null));
  if (outcome.type !== 'created') expect.unreachable(`${outcome.type}: ${outcome.error.message}`);
  return outcome.batch.id;
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = [];
  for await (const piece of pieces) read.push(piece);
  return Buffer.concat(read).toString('utf8');
}

function rowsIn(text: string): readonly BatchResultLine[] {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as BatchResultLine);
}

async function newestIds(service: BatchService): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of service.newest()) ids.push(id);
  return ids;
}

describe('a Batchwright', () => {
  let server: TestServer;
  let service: BatchService;
  let mine: Awaited<ReturnType<TestServer['newWorkspace']>>;
  beforeAll(async () => {
    server = await startTestServer();
    mine = await server.newWorkspace();
    service = await connect(server.url, mine.key);
  });
  afterAll(() => server.close());

  test('is known for what it is', () => {
    expect(service.name).toBe(`Batchwright at ${server.url}`);
    expect(service.extras).not.toBeNull();
    expect(service.hasBatchDiscount).toBe(true);
  });

  test('is told from a wrong key, which is not repeated', async () => {
    const error: unknown = await connect(server.url, 'sk-wrong-but-secret').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ServiceError', status: 401, type: 'authentication_error' });
    expect(String((error as Error).stack)).not.toContain('secret');
  });

  test('runs a batch from its creation to its end', async () => {
    const id = await idOf(service, [item('ok'), item('bad', { max_tokens: 0 })], { markers: 'auto' });
    const running = await service.retrieve(id);
    expect(running).toMatchObject({ batch: { id, processing_status: 'in_progress' }, retryAfterMs: 10_000 });
    await expect(textOf(service.results(id))).rejects.toMatchObject({ status: 404 });
    await server.finish(mine, id);
    const { batch, retryAfterMs } = await service.retrieve(id);
    expect([batch.request_counts.succeeded, batch.request_counts.errored, retryAfterMs]).toEqual([1, 1, null]);
    const rows = rowsIn(await textOf(service.results(id)));
    expect(Object.fromEntries(rows.map((row) => [row.custom_id, row.result.type]))).toEqual({
      ok: 'succeeded',
      bad: 'errored',
    });
    expect(await newestIds(service)).toContain(id);
    expect(await resolveBatch(service, id.slice(0, -3))).toBe(id);
    await service.delete(id);
    await expect(service.retrieve(id)).rejects.toMatchObject({ status: 404, message: expect.stringContaining(id) });
  });

  test('cancels', async () => {
    const id = await idOf(service, items(3));
    expect((await service.cancel(id)).processing_status).toBe('canceling');
    await expect(service.delete(id)).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' });
  });

  test('refuses a body for good, in its own words', async () => {
    const outcome = await service.create(bodyOf([item('a'), item('a')]));
    expect(outcome).toMatchObject({
      type: 'refused',
      error: { status: 400, message: expect.stringMatching(/Duplicate custom_id found: a/) },
    });
  });

  test('says whether a batch holds a request', async () => {
    const id = await idOf(service, items(3));
    const extras = service.extras!;
    const { custom_id: customId, params } = items(3)[2]!;
    expect(await extras.holdsRequest(id, customId, params)).toBe(true);
    expect(await extras.holdsRequest(id, customId, { ...params, max_tokens: 1 })).toBe(false);
    expect(await extras.holdsRequest(id, 'item-3', params)).toBe(false);
    expect(await extras.holdsRequest('msgbatch_01none', customId, params)).toBe(false);
  });

  test('hands out results as they come, and the same again in the end', async () => {
    const id = await idOf(service, [item('soon'), itemTaking('late', 60_000)]);
    const extras = service.extras!;
    const first = await server.whileTimePasses(extras.partialResults(id, null));
    expect(rowsIn(Buffer.from(first.bytes).toString('utf8')).map((row) => row.custom_id)).toEqual(['soon']);
    expect(first.isComplete).toBe(false);
    const second = await server.whileTimePasses(extras.partialResults(id, first.cursor));
    expect(rowsIn(Buffer.from(second.bytes).toString('utf8')).map((row) => row.custom_id)).toEqual(['late']);
    await server.finish(mine, id);
    let [cursor, isComplete, text] = [null as string | null, false, ''];
    while (!isComplete) {
      const page = await extras.partialResults(id, cursor);
      ({ cursor, isComplete } = page);
      text += Buffer.from(page.bytes).toString('utf8');
    }
    expect(text).toBe(await textOf(service.results(id)));
    await expect(extras.partialResults(id, 'nonsense')).rejects.toMatchObject({ status: 400 });
  });

  test('tells how a batch stands until it has ended', async () => {
    const id = await idOf(service, [item('soon'), itemTaking('late', 60_000)]);
    const seen: string[] = [];
    let cost: number | null = null;
    const following = (async () => {
      for await (const { batch, costNanoUsd } of service.extras!.events(id)) {
        seen.push(batch.processing_status);
        cost = costNanoUsd;
      }
    })();
    await server.whileTimePasses(following);
    expect(seen[0]).toBe('in_progress');
    expect(seen.at(-1)).toBe('ended');
    expect(cost).toBeGreaterThan(0);
    const details = await service.extras!.details(id);
    expect(details).toMatchObject({
      batch: { id, processing_status: 'ended' },
      costNanoUsd: cost,
      json: { type: 'batch_details' },
    });
  });

  test('runs what failed again', async () => {
    const id = await idOf(service, [item('ok'), item('bad', { max_tokens: 0 })]);
    await expect(service.extras!.rerun(id, {})).rejects.toMatchObject({
      name: 'ServiceError',
      type: 'invalid_request_error',
    });
    await server.finish(mine, id);
    const { from, requests, batch } = await service.extras!.rerun(id, { types: ['errored'] });
    expect([from, requests, batch.request_counts.processing]).toEqual([id, 1, 1]);
    expect(await newestIds(service)).toContain(batch.id);
  });

  test('lists page by page', async () => {
    const own = await server.newWorkspace();
    const other = await connect(server.url, own.key);
    const ids: string[] = [];
    for (let i = 0; i < 103; i++) ids.unshift(await idOf(other, [item('a')]));
    expect(await newestIds(other)).toEqual(ids);
  });

  test('takes a body of 100 MB', async () => {
    const text = 'lorem ipsum '.repeat(85_000);
    const large = Array.from({ length: 100 }, (_, i) =>
      item(`item-${i}`, { messages: [{ role: 'user', content: text }] }),
    );
    const body = bodyOf(large);
    expect(body.bytes).toBeGreaterThan(100_000_000);
    expect(await service.create(body)).toMatchObject({
      type: 'created',
      batch: { request_counts: { processing: 100 } },
    });
  });
});

describe('native batches', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });
  async function simulate() {
    const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
    const simulator = createSimulator({ clock, seed: 1, profile: INSTANT, batches: { latencyMs: 0 } });
    const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
    closing.push(() => served.close());
    return { url: served.url, service: await connect(served.url) };
  }
  const ended = async (service: BatchService, id: string) => {
    await expect.poll(async () => (await service.retrieve(id)).batch.processing_status).toBe('ended');
  };

  test('have no extras, and a discount', async () => {
    const { url, service } = await simulate();
    expect(service).toMatchObject({ name: url, extras: null, hasBatchDiscount: true });
  });

  test('are run from their creation to their end', async () => {
    const { service } = await simulate();
    const id = await idOf(service, [item('ok'), item('bad', { model: 'nope' })]);
    await ended(service, id);
    const rows = rowsIn(await textOf(service.results(id)));
    expect(rows.map((row) => row.result.type).toSorted()).toEqual(['errored', 'succeeded']);
    expect((await service.cancel(id)).processing_status).toBe('ended');
    expect(await newestIds(service)).toEqual([id]);
    await service.delete(id);
    expect(await newestIds(service)).toEqual([]);
  });

  test.each([
    ['rate_limited', 'not_now'],
    ['overloaded', 'not_now'],
    ['api_error', 'unknown'],
    ['timeout', 'unknown'],
    ['reset', 'unknown'],
    ['bad_request', 'refused'],
    ['authentication', 'refused'],
    ['spend_cap', 'refused'],
  ])('that are struck by %s: %s', async (kind, type) => {
    const { url, service } = await simulate();
    await fetch(`${url}/sim/faults`, {
      method: 'POST',
      body: JSON.stringify({ kind, times: 1, match: { path: '/v1/messages/batches' } }),
    });
    expect((await service.create(bodyOf([item('a')]))).type).toBe(type);
    expect((await service.create(bodyOf([item('a')]))).type).toBe('created');
  });
});

describe('memory', () => {
  test('holds a few pieces of results of 256 MB', async () => {
    const size = 256 * 1024 * 1024;
    const source = createServer((request, response) => {
      if (request.url?.endsWith('/results') === true) return void pour(response, size);
      if (request.url === '/ext/v1') return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(ENDED);
    });
    await new Promise<void>((resolve) => void source.listen(0, '127.0.0.1', resolve));
    const service = await connect(`http://127.0.0.1:${(source.address() as AddressInfo).port}`);
    const held: number[] = [];
    let read = 0;
    for await (const piece of service.results('msgbatch_1')) {
      read += piece.byteLength;
      if (read >= held.length * LOOK_EVERY_BYTES) held.push(heldBytes());
    }
    expect(read).toBe(size);
    expect(held.length).toBeGreaterThan(20);
    // What tests before left behind is gone by the second look, and what a call takes is there.
    const [, first = 0, ...later] = held;
    expect(Math.max(...later) - first).toBeLessThan(32 * 1024 * 1024);
    source.closeAllConnections();
    source.close();
  });

  const ENDED = JSON.stringify({
    id: 'msgbatch_1',
    type: 'message_batch',
    processing_status: 'ended',
    request_counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 },
    created_at: 'x',
    expires_at: 'x',
  });
  /** A collection takes milliseconds. */
  const LOOK_EVERY_BYTES = 8 * 1024 * 1024;
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;

  /** In the heap and beside it, once everything is collected that nobody holds. */
  function heldBytes(): number {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }

  async function pour(response: ServerResponse, size: number): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/x-jsonl' });
    const piece = Buffer.alloc(128 * 1024, 32);
    for (let sent = 0; sent < size; sent += piece.byteLength) {
      if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
    }
    response.end();
  }
});
