import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, createBody, startRoom, type Answer, type TestRoom } from './http.fixture.ts';

const PATH = '/ext/v1/estimate';
const CREATE = '/v1/messages/batches';

interface Sent {
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const post = (room: TestRoom, path: string, { body, headers = {} }: Sent): Promise<Answer> =>
  ask(room, { method: 'POST', path, body, headers: { 'content-type': 'application/json', ...headers } });

function shared(count: number, marked: boolean): string {
  const marker = marked ? { cache_control: { type: 'ephemeral' } } : {};
  const system = [{ type: 'text', text: 'x'.repeat(8000), ...marker }];
  const requests = Array.from({ length: count }, (_, i) => ({
    custom_id: `r-${i}`,
    params: {
      model: 'claude-sonnet-4-5',
      max_tokens: 300,
      system,
      messages: [{ role: 'user', content: `no. ${i}` }],
    },
  }));
  return JSON.stringify({ requests });
}

describe('an estimate', () => {
  it('says tokens, money, plan, what else it could cost, and how it was made; in this order', async () => {
    const room = await startRoom();
    const { status, text, body } = await post(room, PATH, { body: shared(4, true) });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      'type',
      'requests',
      'markers',
      'tokens',
      'cost_usd',
      'nano_usd',
      'models',
      'against',
      'plan',
      'warnings',
      'basis',
    ]);
    const output = { low: 4, expected: 1200, high: 1200 };
    const tokens = { input: 8, cache_creation_5m: 2000, cache_creation_1h: 0, cache_read: 6000, output };
    expect(body).toMatchObject({
      type: 'batch_estimate',
      requests: 4,
      markers: 'respect',
      tokens,
      cost_usd: { low: '0.004692', expected: '0.013662', high: '0.013662' },
      nano_usd: { low: 4_692_000, expected: 13_662_000, high: 13_662_000 },
      models: [{ model: 'claude-sonnet-4-5-20250929', requests: 4, tokens, nano_usd: { expected: 13_662_000 } }],
      against: {
        no_caching: { tokens: { input: 8008, cache_read: 0 }, cost_usd: { expected: '0.021012' } },
        plain_markers: { tokens: { input: 8, cache_creation_5m: 8000 }, cost_usd: { expected: '0.024012' } },
        warm_up_recipe: { tokens: { input: 8, cache_creation_5m: 10_000 }, cost_usd: { expected: '0.031527' } },
      },
      plan: {
        prefixes: 1,
        top: [
          {
            model: 'claude-sonnet-4-5-20250929',
            tokens: 2000,
            own_tokens: 2000,
            requests: 4,
            block: 0,
            ttl: '5m',
            saving_usd: '0.00735',
            saving_nano_usd: 7_350_000,
          },
        ],
        requests_sharing: 4,
        single: 0,
      },
      warnings: [],
    });
    expect(text).toMatch(/"basis":\{"tokens":"[^"]+","output":"[^"]+","prices":"Batch prices[^"]+"\}\}$/);
  });

  it('is of the markers that the header asks for, and warns with the requests’ ids', async () => {
    const room = await startRoom();
    const { body } = await post(room, PATH, { body: shared(5, false) });
    expect(body).toMatchObject({
      markers: 'respect',
      tokens: { cache_read: 0 },
      warnings: [{ code: 'no_markers', count: 5, custom_ids: ['r-0', 'r-1', 'r-2'] }],
    });
    const headers = { 'batchwright-options': '{"markers":"auto"}' };
    const auto = await post(room, PATH, { body: shared(5, false), headers });
    expect(auto.body).toMatchObject({ markers: 'auto', tokens: { cache_read: 8000 }, warnings: [] });
  });

  it('takes a compressed body', async () => {
    const room = await startRoom();
    const headers = { 'content-encoding': 'gzip' };
    const { body } = await post(room, PATH, { body: gzipSync(shared(4, true)), headers });
    expect(body).toEqual((await post(room, PATH, { body: shared(4, true) })).body);
  });

  it('has no money where no price is known', async () => {
    const room = await startRoom();
    const { body } = await post(room, PATH, { body: shared(2, true).replaceAll('claude-sonnet-4-5', 'my-model') });
    expect(body).toMatchObject({
      cost_usd: null,
      nano_usd: null,
      models: [{ model: 'my-model', cost_usd: null, nano_usd: null }],
      plan: { top: [{ saving_usd: null, saving_nano_usd: null }] },
      warnings: [{ code: 'unknown_model_price', count: 2 }],
      basis: { prices: null },
    });
  });

  it('leaves no batch, tells nobody, and asks the upstream nothing', async () => {
    const room = await startRoom();
    expect((await post(room, PATH, { body: shared(4, true) })).status).toBe(200);
    expect(await room.batches()).toEqual([]);
    expect(room.told).toEqual([]);
    expect(room.upstream.calls).toEqual([]);
  });

  it('needs a key, and counts as a call', async () => {
    const room = await startRoom({ settings: { requestsPerMinute: 1 } });
    const keyless = await ask(room, { method: 'POST', path: PATH, key: null, body: createBody(1) });
    expect(keyless.status).toBe(401);
    expect((await post(room, PATH, { body: createBody(1) })).status).toBe(200);
    expect((await post(room, CREATE, { body: createBody(1) })).status).toBe(429);
  });
});

describe('refuses in the words of a create', () => {
  it.each<[string, Sent]>([
    ['an option that is unknown', { body: createBody(1), headers: { 'batchwright-options': '{"marker":"auto"}' } }],
    ['a mode that is none', { body: createBody(1), headers: { 'batchwright-options': '{"markers":"maybe"}' } }],
    ['an encoding that is unknown', { body: createBody(1), headers: { 'content-encoding': 'zstd' } }],
    ['a profile that is none', { body: createBody(1), headers: { 'anthropic-user-profile-id': 'a b' } }],
    ['bytes that are not compressed', { body: createBody(1), headers: { 'content-encoding': 'gzip' } }],
    ['a body without requests', { body: '{}' }],
    ['an empty batch', { body: '{"requests":[]}' }],
  ])('%s', async (_, sent) => {
    const room = await startRoom();
    const [estimate, create] = [await post(room, PATH, sent), await post(room, CREATE, sent)];
    expect(estimate.status).toBeGreaterThanOrEqual(400);
    expect([estimate.status, estimate.body['error']]).toEqual([create.status, create.body['error']]);
  });

  it('a small body that decodes to too much, and reads no further', async () => {
    const room = await startRoom();
    const body = gzipSync(Buffer.alloc(257 * 1024 * 1024, ' '), { level: 1 });
    const { status, body: answer } = await post(room, PATH, { body, headers: { 'content-encoding': 'gzip' } });
    expect(status).toBe(413);
    expect(answer).toMatchObject({ error: { details: { error_code: 'request_body_too_large_after_decoding' } } });
  });

  it('while the server shuts down', async () => {
    const room = await startRoom();
    room.server.stopAccepting();
    const answers = await Promise.all([PATH, CREATE].map((path) => post(room, path, { body: createBody(1) })));
    const [estimate, create] = answers.map(({ status, body }) => [status, body['error']]);
    expect(estimate).toEqual(create);
    expect(estimate?.[0]).toBeGreaterThanOrEqual(500);
  });
});
