import { request as httpRequest } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { systemClock, VirtualClock } from '@batchwright/core';
import { afterEach, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../simulator.ts';
import { serveSimulator, type ServedSimulator } from './serve.ts';

const running: ServedSimulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((served) => served.close()));
});

const INSTANT = { baseTtftMs: 0, prefillTokensPerSecond: Infinity, decodeTokensPerSecond: Infinity };

async function serveReal(): Promise<{
  readonly url: string;
  readonly simulator: Simulator;
  readonly client: Anthropic;
}> {
  const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
  return serve(createSimulator({ clock, seed: 1, profile: INSTANT }), clock);
}

async function serveVirtual() {
  const clock = new VirtualClock(1_800_000_000_000);
  return { clock, ...(await serve(createSimulator({ clock, seed: 1 }), clock)) };
}

async function serve(simulator: Simulator, clock: Parameters<typeof serveSimulator>[1]['clock']) {
  const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
  running.push(served);
  const client = new Anthropic({ apiKey: 'any', baseURL: served.url, maxRetries: 0 });
  return { url: served.url, simulator, client };
}

/** JSON of unknown shape, to look into. */
interface Loose {
  readonly [key: string]: Loose | undefined;
}

async function control(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: Loose }> {
  const response = await fetch(`${url}/sim/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Loose };
}

const ask = {
  model: 'claude-haiku-4-5',
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: 'What is the capital of France?' }],
};
const weather = {
  name: 'get_weather',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
};

describe('the official SDK', () => {
  test('creates a message and counts its tokens', async () => {
    const { client } = await serveReal();
    const message = await client.messages.create(ask);
    expect(message.content[0]).toMatchObject({ type: 'text', text: expect.stringContaining('simulated') });
    expect(message._request_id).toMatch(/^req_sim_/);
    const { max_tokens: _, ...prompt } = ask;
    expect((await client.messages.countTokens(prompt)).input_tokens).toBe(message.usage.input_tokens);
  });

  test('streams text, and its helper assembles what a whole answer says', async () => {
    const { client } = await serveReal();
    const whole = await client.messages.create(ask);
    const deltas: string[] = [];
    const stream = client.messages.stream(ask).on('text', (delta) => deltas.push(delta));
    const final = await stream.finalMessage();
    expect(final.content).toEqual(whole.content);
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
    expect(deltas.length).toBeGreaterThan(1);
  });

  test('goes through a tool call and its result', async () => {
    const { client } = await serveReal();
    const params = {
      ...ask,
      tools: [weather],
      messages: [{ role: 'user' as const, content: 'Use get_weather for Paris' }],
    };
    const call = await client.messages.stream(params).finalMessage();
    const block = call.content.find((found) => found.type === 'tool_use');
    expect(block?.input).toEqual({ city: 'simulated city' });
    const answer = await client.messages.create({
      ...params,
      messages: [
        ...params.messages,
        { role: 'assistant', content: call.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: block?.id ?? '', content: 'rain' }] },
      ],
    });
    expect(answer.stop_reason).toBe('end_turn');
    expect(answer.content[0]).toMatchObject({ text: expect.stringContaining('“rain”') });
  });

  test('pages through the models', async () => {
    const { client } = await serveReal();
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 5 })) ids.push(model.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('claude-opus-5-5');
    const retired: string[] = [];
    for await (const model of client.models.list({ lifecycle: ['retired', 'active'] })) retired.push(model.id);
    expect(retired).toContain('claude-3-opus-20240229');
    expect((await client.models.retrieve('claude-haiku-4-5')).id).toBe('claude-haiku-4-5-20251001');
  });

  test('sees errors as their classes', async () => {
    const { client, url } = await serveReal();
    await expect(client.messages.create({ ...ask, model: 'nope' })).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(client.messages.create({ ...ask, stop_sequences: [' '] })).rejects.toBeInstanceOf(
      Anthropic.BadRequestError,
    );
    await control(url, 'POST', 'faults', { kind: 'rate_limited', times: 1, retry_after: 3 });
    await expect(client.messages.create(ask)).rejects.toMatchObject({ status: 429 });
    await control(url, 'POST', 'faults', { kind: 'reset', times: 1 });
    await expect(client.messages.create(ask)).rejects.toBeInstanceOf(Anthropic.APIConnectionError);
    await control(url, 'POST', 'faults', { kind: 'reset', phase: 'mid_stream', times: 1 });
    await expect(client.messages.stream(ask).finalMessage()).rejects.toThrow();
    await control(url, 'POST', 'faults', { kind: 'overloaded', phase: 'mid_stream', times: 1 });
    await expect(client.messages.stream(ask).finalMessage()).rejects.toThrow(/overloaded_error/);
    await expect(client.messages.create(ask)).resolves.toBeDefined();
  });

  test('retries what it is told to retry', async () => {
    const { url, simulator } = await serveReal();
    await control(url, 'POST', 'faults', { kind: 'rate_limited', times: 1, retry_after: 0 });
    const client = new Anthropic({ apiKey: 'any', baseURL: url, maxRetries: 1 });
    await client.messages.create(ask);
    expect(
      simulator
        .requests()
        .filter((entry) => entry.path === '/v1/messages')
        .map((entry) => entry.status),
    ).toEqual([429, 200]);
  });
});

test('the official SDK runs a native batch from its creation to its results', async () => {
  const { client, url } = await serveVirtual();
  await control(url, 'POST', 'clock', { auto: true });
  const content = [
    { type: 'text' as const, text: '@@sim{"tokens":5000}@@', cache_control: { type: 'ephemeral' as const } },
  ];
  const params = { ...ask, messages: [{ role: 'user' as const, content }] };
  const run = async () => {
    const { id } = await client.messages.batches.create({ requests: [{ custom_id: 'a', params }] });
    await expect
      .poll(async () => (await client.messages.batches.retrieve(id)).processing_status, { timeout: 10_000 })
      .toBe('ended');
    const lines = [];
    for await (const line of await client.messages.batches.results(id)) lines.push(line);
    return lines;
  };
  const usage = { cache_creation_input_tokens: 5000, cache_read_input_tokens: 0, service_tier: 'batch' };
  expect(await run()).toMatchObject([{ custom_id: 'a', result: { type: 'succeeded', message: { usage } } }]);
  const again = { ...usage, cache_creation_input_tokens: 0, cache_read_input_tokens: 5000 };
  expect(await run()).toMatchObject([{ result: { message: { usage: again } } }]);
  const ids: string[] = [];
  for await (const batch of client.messages.batches.list({ limit: 1 })) ids.push(batch.id);
  expect(ids).toHaveLength(2);
  expect((await client.messages.batches.cancel(ids[0]!)).processing_status).toBe('ended');
  expect((await client.messages.batches.delete(ids[0]!)).type).toBe('message_batch_deleted');
  await expect(client.messages.batches.retrieve(ids[0]!)).rejects.toBeInstanceOf(Anthropic.NotFoundError);
});

describe('a virtual clock', () => {
  test('stands still until it is advanced', async () => {
    const { client, url, simulator } = await serveVirtual();
    let isAnswered = false;
    const answer = client.messages.create(ask).finally(() => (isAnswered = true));
    await expect.poll(() => simulator.inFlightCount).toBe(1);
    const early = await control(url, 'POST', 'clock', { advance_ms: 999 });
    expect(early.json).toMatchObject({ mode: 'virtual', now_ms: 1_800_000_000_999, in_flight: 1, auto: false });
    expect(isAnswered).toBe(false);
    await control(url, 'POST', 'clock', { advance_ms: 60_000 });
    expect((await answer).stop_reason).toBe('end_turn');
  });

  test('left to itself, jumps over hours while calls wait, and stands still while none does', async () => {
    const { client, url, clock } = await serveVirtual();
    await control(url, 'POST', 'clock', { auto: true });
    const startMs = clock.now();
    const content = '@@sim{"dur_ms":7200000}@@';
    const slow = { ...ask, messages: [{ role: 'user' as const, content }] };
    await Promise.all([
      client.messages.create(slow),
      client.messages.create(slow),
      client.messages.stream(slow).finalMessage(),
    ]);
    const afterMs = clock.now();
    expect(afterMs - startMs).toBeGreaterThanOrEqual(7_200_000);
    expect((await control(url, 'GET', 'clock')).json).toMatchObject({ now_ms: afterMs, auto: true, in_flight: 0 });
  });

  test('cannot be moved when it is the real one', async () => {
    const { url } = await serveReal();
    const { status, json } = await control(url, 'POST', 'clock', { advance_ms: 1 });
    expect(status).toBe(400);
    expect(json['error']?.['message']).toMatch(/real clock/);
    expect((await control(url, 'GET', 'clock')).json['mode']).toBe('real');
  });
});

describe('control', () => {
  test('adds, shows and clears faults', async () => {
    const { url } = await serveReal();
    const rules = [
      {
        kind: 'overloaded',
        match: { custom_id: 'x', path: '/v1/messages', method: 'POST', nth: 2, from_ms: 5 },
        times: 3,
      },
      { kind: 'slow', ms: 4 },
    ];
    expect((await control(url, 'POST', 'faults', rules)).json['data']).toEqual([
      { ...rules[0], seen: 0, struck: 0 },
      { ...rules[1], match: {}, seen: 0, struck: 0 },
    ]);
    expect((await control(url, 'DELETE', 'faults')).json['data']).toEqual([]);
    expect((await control(url, 'GET', 'faults')).json['data']).toEqual([]);
  });

  test.each([
    [{ kind: 'explode' }, /^faults\.0\.kind: Input should be one of rate_limited, /],
    [{ kind: 'reset', when: 1 }, /^faults\.0\.when: Extra inputs are not permitted/],
    [
      [{ kind: 'reset' }, { kind: 'reset', match: { rate: 2 } }],
      /^faults\.1\.match\.rate: Input should be less than or equal to 1$/,
    ],
    [{ kind: 'reset', phase: 'later' }, /^faults\.0\.phase: /],
    [{ kind: 'reset', match: { path: 'batches' } }, /^faults\.0\.match\.path: Input should be a path that begins/],
    [{ kind: 'reset', match: { method: 'post' } }, /^faults\.0\.match\.method: Input should be one of GET, POST/],
  ])('refuses a mistaken rule whole: %j', async (rules, message) => {
    const { url, simulator } = await serveReal();
    const { status, json } = await control(url, 'POST', 'faults', rules);
    expect(status).toBe(400);
    expect(json['error']?.['message']).toMatch(message);
    expect(simulator.faults()).toEqual([]);
  });

  test('shows the requests received, and forgets all on reset', async () => {
    const { url, client } = await serveReal();
    await client.messages.create(ask);
    const { json } = await control(url, 'GET', 'requests');
    expect(json['data']).toHaveLength(1);
    expect(json['data']?.[0]).toMatchObject({
      number: 1,
      method: 'POST',
      path: '/v1/messages',
      status: 200,
      outcome: 'ended',
    });
    expect(JSON.parse(String(json['data']?.[0]?.['body']))).toEqual(ask);
    expect(json['data']?.[0]?.['headers']?.['authorization']).toBe('(hidden)');
    await control(url, 'POST', 'reset');
    expect((await control(url, 'GET', 'requests')).json['data']).toEqual([]);
  });

  test('shows what is cached, what it cost and what is in flight', async () => {
    const { url, client, clock } = await serveVirtual();
    const document = {
      type: 'text' as const,
      text: '@@sim{"tokens":5000}@@',
      cache_control: { type: 'ephemeral' as const },
    };
    const params = {
      ...ask,
      messages: [
        {
          role: 'user' as const,
          content: [document, { type: 'text' as const, text: '@@sim{"tokens":10,"out":60}@@' }],
        },
      ],
    };
    const answers = [client.messages.create(params), client.messages.create(params)];
    await expect
      .poll(async () => (await control(url, 'GET', 'inflight')).json)
      .toMatchObject({ in_flight: 2, peak: 2 });
    const startMs = clock.now();
    expect((await control(url, 'GET', 'cache')).json).toEqual({ data: [] });
    await control(url, 'POST', 'clock', { advance_ms: 60_000 });
    await Promise.all(answers);
    expect((await control(url, 'GET', 'inflight')).json).toEqual({ in_flight: 0, peak: 2, batches: 0, batch_items: 0 });
    expect((await control(url, 'GET', 'cache')).json['data']).toEqual([
      {
        scope: 'default/default/claude-haiku-4-5-20251001/sync',
        hash: expect.stringMatching(/^[0-9a-f]{14}$/),
        tokens: 5000,
        class: '5m',
        ready_at: startMs + 2252.5,
        expires_at: startMs + 300_000,
      },
    ]);
    // Ten tokens of input, 5,000 written for 5 minutes and 60 of output, at $1, $1.25 and $5 a million, twice.
    const cost = 2 * (10 * 1000 + 5000 * 1250 + 60 * 5000);
    const ledger = (await control(url, 'GET', 'ledger?limit=1')).json;
    expect(ledger).toMatchObject({
      totals: {
        requests: 2,
        input_tokens: 20,
        cache_creation_input_tokens: 10_000,
        output_tokens: 120,
        nano_dollars: cost,
      },
      models: [{ model: 'claude-haiku-4-5-20251001', requests: 2, dollars: cost / 1e9, unpriced_requests: 0 }],
      misses: { cold: 1, not_ready: 1 },
      prefix_writes: { prefixes: 1, writes: 2, duplicates: 1, duplicate_tokens: 5000 },
      data: [
        { miss: 'not_ready', usage: { cache_creation_input_tokens: 5000, output_tokens: 60 }, nano_dollars: cost / 2 },
      ],
      has_more: true,
    });
    expect(ledger['prefix_writes']?.['duplicated']).toMatchObject([{ writes: 2, again_tokens: { not_ready: 5000 } }]);
    await control(url, 'POST', 'reset');
    expect((await control(url, 'GET', 'cache')).json).toEqual({ data: [] });
    expect((await control(url, 'GET', 'ledger')).json).toMatchObject({
      totals: { requests: 0, nano_dollars: 0 },
      data: [],
    });
    expect((await control(url, 'GET', 'inflight')).json['peak']).toBe(0);
  });

  test('answers what it does not know in the envelope', async () => {
    const { url } = await serveReal();
    expect((await control(url, 'GET', 'nope')).json).toMatchObject({
      type: 'error',
      error: { type: 'not_found_error' },
    });
    expect((await control(url, 'PUT', 'faults')).status).toBe(405);
    const response = await fetch(`${url}/sim/faults`, { method: 'POST', body: '{' });
    expect(response.status).toBe(400);
  });
});

test('a client that goes away leaves nothing in flight', async () => {
  const { url, simulator } = await serveVirtual();
  const request = httpRequest(`${url}/v1/messages`, { method: 'POST', headers: { 'anthropic-version': '2023-06-01' } });
  request.on('error', () => undefined);
  request.end(JSON.stringify(ask));
  await expect.poll(() => simulator.inFlightCount).toBe(1);
  request.destroy();
  await expect.poll(() => simulator.inFlightCount).toBe(0);
  expect(simulator.requests()[0]?.outcome).toBe('cancelled');
});

test('a body over 32 MB is refused before it is read whole', async () => {
  const { url, simulator } = await serveReal();
  const status = await new Promise<number>((resolve, reject) => {
    const request = httpRequest(`${url}/v1/messages`, { method: 'POST' }, (response) =>
      resolve(response.statusCode ?? 0),
    );
    // Once answered, the rest of the body has nowhere to go: a broken pipe is as good an end as any.
    request.on('error', reject);
    request.write(Buffer.alloc(32 * 1024 * 1024 + 1));
  });
  expect(status).toBe(413);
  expect(simulator.inFlightCount).toBe(0);
});
