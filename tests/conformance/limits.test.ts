import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '@batchwright/protocol';
import { BATCHES, batchOf, create, expectError, item, items, list } from '../harness/batches.ts';
import { OLD_VERSION, type Caller } from '../harness/caller.ts';
import { readWhole, type RawResponse } from '../harness/raw-http.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/** Conformance, items 32, 33, 39 and 40: the limits, each reached once and passed once. */
const MEBIBYTE = 1024 * 1024;
const TOO_LARGE = 257 * MEBIBYTE;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ queuedRequests: 100_010 });
});
afterAll(() => server.close());

/** A body of as many minimal requests; built as text, since a hundred thousand objects would be the slowest part. */
function minimalBody(count: number): string {
  const one = (i: number): string => `{"custom_id":"r${i}","params":{}}`;
  return `{"requests":[${Array.from({ length: count }, (_, i) => one(i)).join(',')}]}`;
}

/** Sends a body of `bytes` blanks, piece by piece, until all of it is sent or the answer has come. */
function upload(by: Caller, bytes: number, headers: Readonly<Record<string, string>>): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const common = { 'x-api-key': by.key, 'anthropic-version': OLD_VERSION, 'content-type': 'application/json' };
    const call = request(by.url + BATCHES, { method: 'POST', headers: { ...common, ...headers } });
    let answered = false;
    call.once('response', (response) => {
      answered = true;
      readWhole(response)
        .then(resolve, reject)
        .finally(() => call.destroy());
    });
    call.on('error', (error) => {
      if (!answered) reject(error);
    });
    const piece = Buffer.alloc(MEBIBYTE, ' ');
    const send = (left: number): void => {
      if (answered) return;
      if (left === 0) call.end();
      else if (call.write(piece)) setImmediate(send, left - MEBIBYTE);
      else call.once('drain', () => send(left - MEBIBYTE));
    };
    send(bytes);
  });
}

describe('size', () => {
  test('32 a batch has at most 100,000 requests', async () => {
    const by = await server.newWorkspace();
    const accepted = batchOf(await by.post(BATCHES, minimalBody(LIMITS.batchRequests)));
    expect(accepted.request_counts.processing).toBe(100_000);
    const refused = await by.post(BATCHES, minimalBody(LIMITS.batchRequests + 1));
    expectError(refused, 400, 'invalid_request_error');
    expect((await list(by)).data.map(({ id }) => id)).toEqual([accepted.id]);
  });

  test('33 a body announced as larger than 256 MB is refused', async () => {
    const response = await upload(server.k1a, TOO_LARGE, { 'content-length': String(TOO_LARGE) });
    expectError(response, 413, 'request_too_large');
  });

  test('33 a body that turns out larger than 256 MB is refused', async () => {
    const by = await server.newWorkspace();
    const response = await upload(by, TOO_LARGE, { 'transfer-encoding': 'chunked' });
    expectError(response, 413, 'request_too_large');
    expect((await list(by)).data).toEqual([]);
  });

  test('12 a 413 is answered as JSON on the Messages endpoint too', async () => {
    const body = 'x'.repeat(LIMITS.messageBodyBytes + 1);
    expectError(await server.k1a.post('/v1/messages', body), 413, 'request_too_large');
  });
});

describe('rates', () => {
  test('39 a batch beyond the queue limit is refused with a time to wait', async () => {
    const by = await server.newWorkspace();
    await create(by, items(11));
    const response = await by.post(BATCHES, minimalBody(100_000));
    expectError(response, 429, 'rate_limit_error');
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect((await list(by)).data).toHaveLength(1);
  });

  test('39 the queue limit is counted by workspace', async () => {
    const [one, other] = [await server.newWorkspace(), await server.newWorkspace()];
    await create(one, items(11));
    expect((await other.post(BATCHES, minimalBody(100_000))).status).toBe(200);
  });

  test('39 calls beyond the rate limit are refused with a time to wait', async () => {
    const limited = await startTestServer({ requestsPerMinute: 3 });
    try {
      const statuses = [];
      for (let i = 0; i < 3; i++) statuses.push((await limited.k1a.get(BATCHES)).status);
      expect(statuses).toEqual([200, 200, 200]);
      const refused = await limited.k1a.get(BATCHES);
      expectError(refused, 429, 'rate_limit_error');
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect((await limited.k2.get(BATCHES)).status).toBe(200);
      await limited.advance(61_000);
      expect((await limited.k1a.get(BATCHES)).status).toBe(200);
    } finally {
      await limited.close();
    }
  });

  test('40 a spend cap is a 429 of its own kind, without a time to wait', async () => {
    await server.addFaults({ kind: 'spend_cap', match: { text: 'over-the-cap' } });
    const response = await server.whileTimePasses(server.k1a.post('/v1/messages', item('over-the-cap').params));
    expect(response.status, response.text).toBe(429);
    expect(JSON.parse(response.text)).toMatchObject({
      error: { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } },
    });
    expect(response.headers).not.toHaveProperty('retry-after');
  });
});
