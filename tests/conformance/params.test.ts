import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiVersion, BatchResult, ErrorEnvelope, ErrorType } from '@batchwright/protocol';
import { create, item, resultsById } from '../harness/batches.ts';
import { NEW_VERSION, OLD_VERSION } from '../harness/caller.ts';
import { startTestServer, type TestServer } from '../harness/test-server.ts';

/**
 * Conformance, items 81–90: what is wrong inside `params` is found after the batch was accepted, fails that request
 * alone, and is told in the API's words. Every case runs beside a good request, which must succeed.
 */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

type Params = Readonly<Record<string, unknown>>;

/** Runs `params` beside a good request, and answers what became of them. */
async function outcome(params: Params, version: ApiVersion = OLD_VERSION): Promise<BatchResult> {
  const by = server.k1a.withVersion(version);
  const { id } = await create(by, [{ custom_id: 'tried', params }, item('good')]);
  await server.finish(by, id);
  const byId = await resultsById(by, id);
  expect(byId.get('good')?.type).toBe('succeeded');
  return byId.get('tried') ?? { type: 'expired' };
}

async function failure(params: Params, version?: ApiVersion): Promise<ErrorEnvelope> {
  const result = await outcome(params, version);
  if (result.type !== 'errored') throw new Error(`it is ${result.type}`);
  return result.error;
}

async function expectFailure(params: Params, type: ErrorType, message: string): Promise<ErrorEnvelope> {
  const envelope = await failure(params);
  expect(envelope.error).toMatchObject({ type, message });
  return envelope;
}

/** Good params with something replaced. */
const params = (changes: Params): Params => item('x', changes).params;
const withoutKey = (key: string): Params => Object.fromEntries(Object.entries(params({})).filter(([k]) => k !== key));
const marked = (text: string, ttl?: '5m' | '1h') => ({
  type: 'text',
  text,
  cache_control: { type: 'ephemeral', ...(ttl === undefined ? {} : { ttl }) },
});

describe('required fields and limits', () => {
  test('81 missing messages', async () => {
    const envelope = await expectFailure(withoutKey('messages'), 'invalid_request_error', 'messages: Field required');
    expect(envelope.request_id).toBeNull();
  });

  test.each(['model', 'max_tokens'])('81 missing %s', async (key) => {
    await expectFailure(withoutKey(key), 'invalid_request_error', `${key}: Field required`);
  });

  test('82 an unknown model', async () => {
    const model = 'claude-does-not-exist-9';
    await expectFailure(params({ model }), 'not_found_error', `model: ${model}`);
  });

  test('83 max_tokens of zero', async () => {
    const words = 'max_tokens: must be greater than or equal to 1';
    await expectFailure(params({ max_tokens: 0 }), 'invalid_request_error', words);
  });

  test('83 max_tokens over the limit of the model', async () => {
    const words =
      'max_tokens: 9999999 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001';
    await expectFailure(params({ max_tokens: 9_999_999 }), 'invalid_request_error', words);
  });
});

describe('what a batch does not take', () => {
  test('84 stream: true', async () => {
    const words = '"stream=True" is not supported in the Message Batches API';
    await expectFailure(params({ stream: true }), 'invalid_request_error', words);
  });

  test.each(['betas', 'foo'])('85 the key %s, which does not exist', async (key) => {
    const words = `${key}: Extra inputs are not permitted`;
    await expectFailure(params({ [key]: ['message-batches-2024-09-24'] }), 'invalid_request_error', words);
  });

  test('86 fast mode', async () => {
    expect((await failure(params({ speed: 'fast' }))).error.type).toBe('invalid_request_error');
  });
});

describe('cache markers', () => {
  test('87 five of them', async () => {
    const system = ['a', 'b', 'c', 'd', 'e'].map((text) => marked(text));
    const words = 'A maximum of 4 blocks with cache_control may be provided. Found 5.';
    await expectFailure(params({ system }), 'invalid_request_error', words);
  });

  test('87 one hour after five minutes', async () => {
    const content = [marked('first', '5m'), marked('second', '1h')];
    const words =
      "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' " +
      'cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.';
    await expectFailure(params({ messages: [{ role: 'user', content }] }), 'invalid_request_error', words);
  });

  test('87 four of them, longest first, are fine', async () => {
    const system = [marked('a', '1h'), marked('b', '1h'), marked('c', '5m'), marked('d')];
    expect((await outcome(params({ system }))).type).toBe('succeeded');
  });
});

describe('what only running it shows', () => {
  test('88 an image that cannot be fetched', async () => {
    const source = { type: 'url', url: 'http://no-such-host.invalid/cat.png' };
    const content = [
      { type: 'image', source },
      { type: 'text', text: 'What is this?' },
    ];
    const words = 'Unable to download the file. Please verify the URL and try again.';
    const envelope = await expectFailure(
      params({ messages: [{ role: 'user', content }] }),
      'invalid_request_error',
      words,
    );
    expect(envelope.request_id).toMatch(/^workerreq_/);
  });

  test('90 an answer cut at max_tokens has succeeded', async () => {
    const result = await outcome(params({ max_tokens: 1 }));
    expect(result).toMatchObject({ type: 'succeeded', message: { stop_reason: 'max_tokens' } });
  });
});

describe('versions', () => {
  test.each(['temperature', 'top_p', 'top_k'])('89 %s is refused under 2026-10-21', async (name) => {
    const { error } = await failure(params({ [name]: 1 }), NEW_VERSION);
    expect(error.type).toBe('invalid_request_error');
    expect(error.message).toMatch(new RegExp(`^${name}: `));
  });

  test('89 temperature is accepted under 2023-06-01', async () => {
    expect((await outcome(params({ temperature: 1 }), OLD_VERSION)).type).toBe('succeeded');
  });

  test('89 the version that counts is the one the batch was created under', async () => {
    const { id } = await create(server.k1a.withVersion(OLD_VERSION), [item('old', { temperature: 1 })]);
    await server.finish(server.k1a.withVersion(NEW_VERSION), id);
    const byId = await resultsById(server.k1a.withVersion(NEW_VERSION), id);
    expect(byId.get('old')?.type).toBe('succeeded');
  });
});
