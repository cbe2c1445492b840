import { describe, expect, test } from 'vitest';
import { block, createBench, errorIn, messageIn, paramsOf, textIn, VERSION } from './simulator.fixture.ts';

const BATCH = { ...VERSION, 'batchwright-surface': 'batch' };

describe('a plain answer', () => {
  test('carries every key of a message, the resolved model and a bill that sums to the prompt', async () => {
    const heard = await createBench().call(paramsOf());
    expect(heard.status).toBe(200);
    const message = messageIn(heard);
    expect(Object.keys(message)).toEqual([
      'id',
      'type',
      'role',
      'model',
      'content',
      'stop_reason',
      'stop_sequence',
      'stop_details',
      'container',
      'diagnostics',
      'usage',
    ]);
    expect(message.id).toMatch(/^msg_sim_[0-9a-f]{16}$/);
    expect(message.model).toBe('claude-haiku-4-5-20251001');
    expect(message.stop_reason).toBe('end_turn');
    expect(message.usage).toEqual({
      input_tokens: Math.ceil('What is the capital of France?'.length / 4),
      output_tokens: Math.ceil(Buffer.byteLength(textIn(message)) / 4),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens_details: null,
      server_tool_use: null,
      service_tier: 'standard',
      inference_geo: 'not_available',
      speed: 'standard',
    });
  });

  test('says that it is simulated, by whom, for which model and in answer to what', async () => {
    const text = textIn(messageIn(await createBench().call(paramsOf())));
    expect(text).toMatch(/simulated answer by Batchwright/);
    expect(text).toContain('Claude Haiku 4.5');
    expect(text).toContain('“What is the capital of France?”');
  });

  test('reports the batch tier on the batch surface and the region on models that have one', async () => {
    const message = messageIn(
      await createBench().call(paramsOf({ model: 'claude-opus-5-5', inference_geo: 'us' }), BATCH),
    );
    expect(message.usage['service_tier']).toBe('batch');
    expect(message.usage['inference_geo']).toBe('us');
  });

  test('streams to a batch server that wants it to, under the rules of the batch surface', async () => {
    const heard = await createBench().call(paramsOf({ stream: true }), BATCH);
    expect(heard.headers['content-type']).toMatch(/^text\/event-stream/);
    expect(heard.text).toContain('"service_tier":"batch"');
    expect(errorIn(await createBench().call(paramsOf({ speed: 'fast' }), BATCH)).message).toContain(
      'Message Batches API',
    );
  });

  test("brings its id, its limits and the simulator's time in the headers", async () => {
    const bench = createBench();
    const { headers } = await bench.call(paramsOf());
    expect(headers['request-id']).toMatch(/^req_sim_[0-9a-f]{16}$/);
    expect(headers['content-type']).toBe('application/json');
    expect(Number(headers['x-sim-now'])).toBeGreaterThan(1_800_000_000_000);
    for (const name of ['requests', 'tokens', 'input-tokens', 'output-tokens']) {
      expect(Number(headers[`anthropic-ratelimit-${name}-remaining`])).toBe(
        Number(headers[`anthropic-ratelimit-${name}-limit`]),
      );
      expect(Date.parse(headers[`anthropic-ratelimit-${name}-reset`] ?? '')).not.toBeNaN();
    }
  });

  test('comes after prefill and decoding, and a different profile changes only when', async () => {
    const bench = createBench();
    const startMs = bench.clock.now();
    const heard = await bench.call(
      paramsOf({ messages: [{ role: 'user', content: '@@sim{"tokens":4000,"out":120}@@' }] }),
    );
    expect(heard.endAtMs).toBe(startMs + 1000 + 1000 + 2000);
    const instant = { baseTtftMs: 0, prefillTokensPerSecond: Infinity, decodeTokensPerSecond: Infinity };
    const quick = createBench({ profile: instant });
    const again = await quick.call(
      paramsOf({ messages: [{ role: 'user', content: '@@sim{"tokens":4000,"out":120}@@' }] }),
    );
    expect(again.endAtMs).toBe(startMs);
    expect(again.text).toBe(heard.text);
  });

  test('reads what is cached at the speed of reading, and prefills the rest', async () => {
    const bench = createBench({ profile: { readTokensPerSecond: 20_000 } }, 60_000);
    const content = [block(10_000, 'doc', '5m'), { type: 'text', text: '@@sim{"tokens":400,"out":60}@@' }];
    const params = paramsOf({ messages: [{ role: 'user', content }] });
    const tookMs: number[] = [];
    for (let i = 0; i < 2; i++) {
      const startMs = bench.clock.now();
      tookMs.push(((await bench.call(params)).endAtMs ?? NaN) - startMs);
    }
    expect(tookMs).toEqual([1000 + 2600 + 1000, 1000 + 100 + 500 + 1000]);
  });

  test('is the same for the same seed and history, and has other ids for another seed', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const bench = createBench({ seed });
      const calls = ['a', 'b', 'a'].map((content) => bench.start(paramsOf({ messages: [{ role: 'user', content }] })));
      await bench.clock.advance(60_000);
      return calls.map((heard) => JSON.stringify([heard.headers, heard.text, heard.endAtMs]));
    };
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
    expect(new Set(await run(7)).size).toBe(3);
  });

  test('has the same text for the same prompt, whatever the markers and the moment', async () => {
    const bench = createBench();
    const marked = [{ type: 'text', text: 'What is the capital of France?', cache_control: { type: 'ephemeral' } }];
    const plain = textIn(messageIn(await bench.call(paramsOf())));
    const cached = textIn(messageIn(await bench.call(paramsOf({ messages: [{ role: 'user', content: marked }] }))));
    expect(cached).toBe(plain);
  });
});

describe('an answer obeys', () => {
  test('max_tokens, to the token', async () => {
    const message = messageIn(await createBench().call(paramsOf({ max_tokens: 7 })));
    expect(message.stop_reason).toBe('max_tokens');
    expect(message.usage.output_tokens).toBe(7);
    expect(Math.ceil(Buffer.byteLength(textIn(message)) / 4)).toBe(7);
  });

  test('stop_sequences, the earliest first', async () => {
    const message = messageIn(await createBench().call(paramsOf({ stop_sequences: ['Batchwright', 'simulated'] })));
    expect(message.stop_reason).toBe('stop_sequence');
    expect(message.stop_sequence).toBe('simulated');
    expect(textIn(message)).toBe('This is a ');
  });

  test('the directive of its last block', async () => {
    const bench = createBench();
    const startMs = bench.clock.now();
    const content = '@@sim{"tokens":20000,"out":50,"ttft_ms":5,"dur_ms":9}@@ hello';
    const heard = await bench.call(paramsOf({ messages: [{ role: 'user', content }] }));
    const message = messageIn(heard);
    expect(message.usage.input_tokens).toBe(20_000);
    expect(message.usage.output_tokens).toBe(50);
    expect(Buffer.byteLength(textIn(message))).toBe(200);
    expect(heard.endAtMs).toBe(startMs + 9);
  });

  test('max_tokens 0, with nothing at all when the first byte would have come', async () => {
    const bench = createBench({ profile: { prefillTokensPerSecond: Infinity } });
    const startMs = bench.clock.now();
    const heard = await bench.call(paramsOf({ max_tokens: 0 }));
    expect(messageIn(heard)).toMatchObject({ content: [], stop_reason: 'max_tokens', usage: { output_tokens: 0 } });
    expect(heard.endAtMs).toBe(startMs + 1000);
  });
});

describe('tools', () => {
  const weather = {
    name: 'get_weather',
    description: 'Weather of a city',
    input_schema: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['C', 'F'] } },
      required: ['city'],
    },
  };
  const clock = { name: 'get_time', input_schema: { type: 'object', properties: {} } };

  test('a forced tool is called with input that satisfies its schema', async () => {
    const params = paramsOf({ tools: [clock, weather], tool_choice: { type: 'tool', name: 'get_weather' } });
    const message = messageIn(await createBench().call(params));
    expect(message.stop_reason).toBe('tool_use');
    expect(message.content).toEqual([
      {
        type: 'tool_use',
        id: expect.stringMatching(/^toolu_sim_[0-9a-f]{16}$/),
        name: 'get_weather',
        caller: { type: 'direct' },
        input: { city: 'simulated city' },
      },
    ]);
  });

  test('any calls the tool the question names, else the first', async () => {
    const ask = async (content: string): Promise<unknown> =>
      messageIn(
        await createBench().call(
          paramsOf({ tools: [clock, weather], tool_choice: { type: 'any' }, messages: [{ role: 'user', content }] }),
        ),
      ).content[0]?.['name'];
    expect(await ask('please use get_weather now')).toBe('get_weather');
    expect(await ask('hello')).toBe('get_time');
  });

  test('auto calls only a tool that is plainly named; none calls none', async () => {
    const ask = async (content: string, type: string): Promise<string | null> =>
      messageIn(
        await createBench().call(
          paramsOf({ tools: [clock, weather], tool_choice: { type }, messages: [{ role: 'user', content }] }),
        ),
      ).stop_reason;
    expect(await ask('Use get_weather for Paris.', 'auto')).toBe('tool_use');
    expect(await ask('Use get_weather2 for Paris.', 'auto')).toBe('end_turn');
    expect(await ask('hello', 'auto')).toBe('end_turn');
    expect(await ask('Use get_weather for Paris.', 'none')).toBe('end_turn');
  });

  test('a tool result is answered in text that quotes it', async () => {
    const messages = [
      { role: 'user', content: 'Use get_weather for Paris.' },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Paris' } }],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '15 degrees' }] },
    ];
    const message = messageIn(await createBench().call(paramsOf({ tools: [weather], messages })));
    expect(message.stop_reason).toBe('end_turn');
    expect(textIn(message)).toContain('The tool get_weather returned “15 degrees”.');
  });
});

describe('structured output and thinking', () => {
  test('the answer is JSON of the schema asked for', async () => {
    const schema = {
      type: 'object',
      properties: {
        label: { enum: ['spam', 'ham'] },
        score: { type: 'number', minimum: 0, maximum: 1 },
        tags: { type: 'array', items: { type: 'string' } },
      },
      required: ['label', 'score', 'tags'],
      additionalProperties: false,
    };
    const message = messageIn(
      await createBench().call(paramsOf({ output_config: { format: { type: 'json_schema', schema } } })),
    );
    expect(JSON.parse(textIn(message))).toEqual({
      label: expect.stringMatching(/^(spam|ham)$/),
      score: 1,
      tags: ['simulated tags'],
    });
  });

  test('thinking comes first, and is part of the output', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    const message = messageIn(await createBench().call(paramsOf({ max_tokens: 2000, thinking })));
    expect(message.content.map((block) => block.type)).toEqual(['thinking', 'text']);
    expect(message.content[0]).toMatchObject({
      thinking: expect.stringContaining('simulated'),
      signature: expect.any(String),
    });
    const thoughtTokens = Math.ceil(Buffer.byteLength(String(message.content[0]?.['thinking'])) / 4);
    expect(message.usage['output_tokens_details']).toEqual({ thinking_tokens: thoughtTokens });
    expect(message.usage.output_tokens).toBe(thoughtTokens + Math.ceil(Buffer.byteLength(textIn(message)) / 4));
  });
});

describe('pictures and documents', () => {
  const user = (...content: readonly object[]): object => ({
    messages: [{ role: 'user', content: [...content, { type: 'text', text: 'And?!' }] }],
  });

  test('an image counts 1,600 tokens and is mentioned with its type and size', async () => {
    const data = Buffer.alloc(3000).toString('base64');
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
    const message = messageIn(await createBench().call(paramsOf(user(image))));
    expect(message.usage.input_tokens).toBe(1602);
    expect(textIn(message)).toContain('an image (image/png, 3.0 kB)');
  });

  test('a PDF counts 1,500 tokens for each page its bytes declare', async () => {
    const pdf = '%PDF-1.4 << /Type /Pages /Count 2 >> << /Type /Page >> << /Type/Page /Parent 1 0 R >>';
    const source = { type: 'base64', media_type: 'application/pdf', data: Buffer.from(pdf).toString('base64') };
    const message = messageIn(await createBench().call(paramsOf(user({ type: 'document', title: 'Report', source }))));
    expect(message.usage.input_tokens).toBe(3002);
    expect(textIn(message)).toContain('a PDF called “Report” of 2 pages');
  });

  test('an address nobody could reach fails as a download, under an execution id in a batch', async () => {
    for (const url of [
      'https://files.invalid/a.png',
      'http://127.0.0.1/a.png',
      'example.com/a.png',
      'ftp://example.com/a',
      'http://localhost:8080/',
    ]) {
      const params = paramsOf(user({ type: 'image', source: { type: 'url', url } }));
      const heard = await createBench().call(params, BATCH);
      expect(heard.status).toBe(400);
      expect(errorIn(heard)).toEqual({
        type: 'invalid_request_error',
        message: 'Unable to download the file. Please verify the URL and try again.',
      });
      expect(heard.headers['request-id']).toMatch(/^workerreq_/);
    }
    const fine = await createBench().call(
      paramsOf(user({ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } })),
    );
    expect(messageIn(fine).usage.input_tokens).toBe(1602);
  });
});

describe('refusals', () => {
  test.each([
    ['not JSON', '{"model":', 400, /^The request body is not valid JSON: /],
    ['no body', null, 400, /^The request body is not valid JSON: /],
    ['an unknown model', paramsOf({ model: 'nope' }), 404, /^model: nope$/],
    ['a missing field', { model: 'claude-haiku-4-5', max_tokens: 1 }, 400, /^messages: Field required$/],
    [
      'a prompt past the context',
      paramsOf({ messages: [{ role: 'user', content: '@@sim{"tokens":200001}@@' }] }),
      400,
      /^prompt is too long: 200001 tokens > 200000 maximum$/,
    ],
    [
      'an unknown file',
      paramsOf({
        messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'file_1' } }] }],
      }),
      404,
      /^File `file_1` not found\.$/,
    ],
  ])('%s', async (_, body, status, message) => {
    const heard = await createBench().call(body);
    expect(heard.status).toBe(status);
    expect(errorIn(heard).message).toMatch(message);
    expect((JSON.parse(heard.text) as { request_id: string }).request_id).toBe(heard.headers['request-id']);
  });

  test('of headers, paths and methods', async () => {
    const bench = createBench();
    expect(errorIn(await bench.call(paramsOf(), {})).message).toBe('anthropic-version: header is required');
    expect(errorIn(await bench.call(paramsOf(), { 'anthropic-version': '1999-01-01' })).type).toBe(
      'invalid_request_error',
    );
    expect(errorIn(await bench.call(paramsOf(), { ...VERSION, 'anthropic-beta': 'no-such-beta' })).message).toContain(
      '`no-such-beta`',
    );
    expect((await bench.call(null, VERSION, '/v1/other', 'GET')).status).toBe(404);
    expect((await bench.call(null, VERSION, '/v1/messages', 'GET')).status).toBe(405);
  });

  test('a body over 32 MB', async () => {
    const heard = await createBench().call(`"${'x'.repeat(32 * 1024 * 1024)}"`);
    expect(heard.status).toBe(413);
    expect(errorIn(heard).type).toBe('request_too_large');
  });
});

test('count_tokens gives the sum that a message is billed', async () => {
  const bench = createBench();
  const params = { model: 'claude-opus-5-5', system: 'Be brief.', messages: paramsOf()['messages'] };
  const counted = await bench.call(params, VERSION, '/v1/messages/count_tokens');
  const billed = messageIn(await bench.call({ ...params, max_tokens: 10 }));
  expect(JSON.parse(counted.text)).toEqual({ input_tokens: billed.usage.input_tokens });
});

test('models are listed by page, found by id or alias, retired ones only when asked for', async () => {
  const bench = createBench();
  const get = async (
    path: string,
  ): Promise<{ data: { id: string }[]; has_more: boolean; last_id: string; first_id: string }> =>
    JSON.parse((await bench.call(null, VERSION, path, 'GET')).text) as never;
  const all = await get('/v1/models?limit=1000');
  expect(all.data.map((model) => model.id)).not.toContain('claude-3-opus-20240229');
  const walked: string[] = [];
  for (let cursor = ''; ;) {
    const page = await get(`/v1/models?limit=4${cursor}`);
    walked.push(...page.data.map((model) => model.id));
    if (!page.has_more) break;
    cursor = `&after_id=${page.last_id}`;
  }
  expect(walked).toEqual(all.data.map((model) => model.id));
  const before = await get(`/v1/models?limit=2&before_id=${walked[5]}`);
  expect(before.data.map((model) => model.id)).toEqual(walked.slice(3, 5));
  expect(before.has_more).toBe(true);
  expect((await get('/v1/models?lifecycle[]=retired&limit=100')).data.map((model) => model.id)).toContain(
    'claude-3-opus-20240229',
  );
  expect(JSON.parse((await bench.call(null, VERSION, '/v1/models/claude-haiku-4-5', 'GET')).text)).toMatchObject({
    type: 'model',
    id: 'claude-haiku-4-5-20251001',
  });
  expect(errorIn(await bench.call(null, VERSION, '/v1/models/nope', 'GET'))).toEqual({
    type: 'not_found_error',
    message: 'model: nope',
  });
  expect((await bench.call(null, VERSION, '/v1/models?limit=0', 'GET')).status).toBe(400);
  expect((await bench.call(null, VERSION, '/v1/models?after_id=x', 'GET')).status).toBe(400);
});

test('a cancelled call hears nothing more and is in flight no longer', async () => {
  const bench = createBench();
  const heard = bench.start(paramsOf());
  expect(bench.simulator.inFlightCount).toBe(1);
  heard.cancel();
  heard.cancel();
  await bench.clock.advance(60_000);
  expect([heard.status, heard.end]).toEqual([null, null]);
  expect(bench.simulator.inFlightCount).toBe(0);
  expect(bench.simulator.requests()[0]?.outcome).toBe('cancelled');
});

test('the request log gives back the exact bytes, without credentials, within its bounds', async () => {
  const bench = createBench({ requestLog: { entries: 2, bodyBytes: 300 } });
  const body = `{ "model":"claude-haiku-4-5",\n "max_tokens": 5, "messages":[{"role":"user","content":"é\\u00e9"}] }`;
  await bench.call(body, { ...VERSION, 'x-api-key': 'secret', 'batchwright-custom-id': 'row-1' });
  const [entry] = bench.simulator.requests();
  expect(Buffer.from(entry?.body ?? []).toString('utf8')).toBe(body);
  expect(entry).toMatchObject({ number: 1, customId: 'row-1', status: 200, outcome: 'ended', path: '/v1/messages' });
  expect(JSON.stringify(entry?.headers)).not.toContain('secret');
  await bench.call('x'.repeat(250));
  expect(bench.simulator.requests().map((kept) => kept.body?.length ?? null)).toEqual([null, 250]);
  await bench.call('y');
  expect(bench.simulator.requests().map((kept) => kept.number)).toEqual([2, 3]);
  expect(bench.simulator.requests(2).map((kept) => kept.number)).toEqual([3]);
});
