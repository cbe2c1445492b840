import { describe, expect, test } from 'vitest';
import { createBench, errorIn, messageIn, paramsOf, textIn, type Heard } from './simulator.fixture.ts';
import type { FaultRule } from './faults/fault-rule.ts';

interface StreamEvent {
  readonly name: string;
  readonly data: { readonly type: string; readonly [key: string]: unknown };
}

function eventsIn(heard: Heard): readonly StreamEvent[] {
  return heard.text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(frame) ?? [];
      return { name: name ?? '', data: JSON.parse(data ?? '') as StreamEvent['data'] };
    });
}

/** What a client puts together from a stream. */
function assembled(events: readonly StreamEvent[]): {
  readonly content: object[];
  readonly message: Record<string, unknown>;
} {
  let message: Record<string, unknown> = {};
  const content: Record<string, unknown>[] = [];
  const json: string[] = [];
  for (const { data } of events) {
    const index = Number(data['index']);
    const delta = data['delta'] as Record<string, string> | undefined;
    if (data.type === 'message_start') message = data['message'] as Record<string, unknown>;
    if (data.type === 'content_block_start') content[index] = { ...(data['content_block'] as object) };
    if (data.type === 'message_delta') message = { ...message, ...delta, usage: data['usage'] };
    if (data.type !== 'content_block_delta' || delta === undefined) continue;
    const block = content[index] ?? {};
    if (delta['type'] === 'text_delta') block['text'] = String(block['text']) + delta['text'];
    if (delta['type'] === 'thinking_delta') block['thinking'] = String(block['thinking']) + delta['thinking'];
    if (delta['type'] === 'signature_delta') block['signature'] = delta['signature'];
    if (delta['type'] === 'input_json_delta') json[index] = (json[index] ?? '') + delta['partial_json'];
  }
  json.forEach((text, index) => (content[index] = { ...content[index], input: JSON.parse(text) }));
  return { content, message: { ...message, content } };
}

describe('a stream', () => {
  const tool = {
    name: 'save',
    input_schema: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } } },
  };
  test.each([
    ['text', paramsOf()],
    ['text of many characters outside the BMP', paramsOf({ messages: [{ role: 'user', content: '😀🎉'.repeat(40) }] })],
    ['thinking and text', paramsOf({ max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } })],
    ['a tool call', paramsOf({ tools: [tool], tool_choice: { type: 'any' } })],
    ['a cut answer', paramsOf({ max_tokens: 3 })],
  ])('puts together to the whole answer: %s', async (_, params) => {
    const whole = messageIn(await createBench().call(params));
    const heard = await createBench().call({ ...params, stream: true });
    expect(heard.headers['content-type']).toMatch(/^text\/event-stream/);
    const events = eventsIn(heard);
    for (const event of events) expect(event.data.type).toBe(event.name);
    // The body differs by `stream`, and so do the ids.
    const { id: _id, ...message } = assembled(events).message;
    const { id: _whole, ...expected } = whole;
    const withoutCallIds = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(/toolu_sim_[0-9a-f]+/g, 'toolu'));
    expect(withoutCallIds(message)).toEqual(withoutCallIds(expected));
  });

  test('keeps the order of the API', async () => {
    const names = eventsIn(await createBench().call(paramsOf({ stream: true }))).map((event) => event.name);
    expect(names.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'ping']);
    expect(names.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop']);
    expect(new Set(names.slice(3, -3))).toEqual(new Set(['content_block_delta']));
  });

  test('begins at the first byte with the final bill of the input, and ends when a whole answer would', async () => {
    const content = '@@sim{"tokens":4000,"out":120}@@';
    const params = paramsOf({ stream: true, messages: [{ role: 'user', content }] });
    const bench = createBench();
    const startMs = bench.clock.now();
    const heard = await bench.call(params);
    expect(heard.headAtMs).toBe(startMs + 2000);
    expect(heard.chunksAtMs[0]).toBe(startMs + 2000);
    expect(heard.endAtMs).toBeCloseTo(startMs + 4000, 3);
    const start = eventsIn(heard)[0]?.data['message'] as { usage: object; content: unknown; stop_reason: unknown };
    expect(start).toMatchObject({ content: [], stop_reason: null, usage: { input_tokens: 4000, output_tokens: 1 } });
  });
});

describe('a fault', () => {
  const once = async (rule: FaultRule, changes: object = {}): Promise<Heard> =>
    createBench({ faults: [rule] }).call(paramsOf(changes));

  test.each([
    ['rate_limited', 429, 'rate_limit_error', '1'],
    ['acceleration', 429, 'rate_limit_error', '1'],
    ['spend_cap', 429, 'rate_limit_error', undefined],
    ['overloaded', 529, 'overloaded_error', undefined],
    ['api_error', 500, 'api_error', undefined],
    ['timeout', 504, 'timeout_error', undefined],
    ['bad_request', 400, 'invalid_request_error', undefined],
    ['authentication', 401, 'authentication_error', undefined],
  ] as const)('of kind %s answers %i', async (kind, status, type, retryAfter) => {
    for (const stream of [false, true]) {
      const heard = await once({ kind }, { stream });
      expect(heard.status).toBe(status);
      expect(errorIn(heard).type).toBe(type);
      expect(heard.headers['retry-after']).toBe(retryAfter);
    }
  });

  test('of the spend cap carries its code, and retry-after is as the rule says', async () => {
    expect(errorIn(await once({ kind: 'spend_cap' })).details).toEqual({ error_code: 'enforced_spend_limit_reached' });
    expect((await once({ kind: 'rate_limited', retryAfterSeconds: 17 })).headers['retry-after']).toBe('17');
    expect((await once({ kind: 'rate_limited', retryAfterSeconds: null })).headers['retry-after']).toBeUndefined();
  });

  test('strikes at its phase', async () => {
    const at = async (phase: 'admission' | 'before_first_byte' | 'mid_stream'): Promise<number> => {
      const bench = createBench({
        faults: [{ kind: 'overloaded', phase }],
        profile: { prefillTokensPerSecond: Infinity },
      });
      const startMs = bench.clock.now();
      const heard = await bench.call(paramsOf({ messages: [{ role: 'user', content: '@@sim{"out":120}@@' }] }));
      expect(heard.status).toBe(529);
      return (heard.endAtMs ?? 0) - startMs;
    };
    expect(await at('admission')).toBe(0);
    expect(await at('before_first_byte')).toBe(1000);
    expect(await at('mid_stream')).toBe(2000);
  });

  test('half-way through a stream is an error event after a 200', async () => {
    const heard = await once({ kind: 'overloaded', phase: 'mid_stream' }, { stream: true });
    expect(heard.status).toBe(200);
    expect(heard.end).toBe('end');
    const events = eventsIn(heard);
    expect(events.at(-1)?.data).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    expect(events.filter((event) => event.name === 'content_block_delta').length).toBeGreaterThan(1);
    expect(events.some((event) => event.name === 'message_stop')).toBe(false);
  });

  test('resets the connection before or after the head', async () => {
    const before = await once({ kind: 'reset' });
    expect([before.status, before.end]).toEqual([null, 'failure']);
    const after = await once({ kind: 'reset', phase: 'mid_stream' });
    expect([after.status, after.end]).toEqual([200, 'failure']);
    expect(after.text.length).toBeGreaterThan(10);
    expect((await once({ kind: 'reset', phase: 'mid_stream' }, { stream: true })).end).toBe('failure');
  });

  test('stalls for ever, until cancelled', async () => {
    const bench = createBench({
      faults: [
        { kind: 'stall', times: 1 },
        { kind: 'overloaded', phase: 'stall', times: 1 },
        { kind: 'stall', phase: 'mid_stream' },
      ],
    });
    const calls = [
      await bench.call(paramsOf()),
      await bench.call(paramsOf()),
      await bench.call(paramsOf({ stream: true })),
    ];
    expect(calls.map((heard) => heard.end)).toEqual([null, null, null]);
    expect(calls.map((heard) => heard.status)).toEqual([null, null, 200]);
    expect(bench.simulator.inFlightCount).toBe(3);
    for (const heard of calls) heard.cancel();
    expect(bench.simulator.inFlightCount).toBe(0);
  });

  test('truncates a body, or makes it no JSON at all', async () => {
    const whole = (await createBench().call(paramsOf())).text;
    const truncated = await once({ kind: 'truncated' });
    expect([truncated.status, truncated.end]).toEqual([200, 'end']);
    expect(truncated.text.length).toBeLessThan(whole.length);
    expect(() => messageIn(truncated)).toThrow();
    const invalid = await once({ kind: 'invalid_json' });
    expect([invalid.status, invalid.end]).toEqual([200, 'end']);
    expect(() => messageIn(invalid)).toThrow();
  });

  test('slows down by the milliseconds it says, and changes nothing else', async () => {
    const bench = createBench({ faults: [{ kind: 'slow', ms: 500, times: 1 }] });
    const times: number[] = [];
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const startMs = bench.clock.now();
      const heard = await bench.call(paramsOf());
      times.push((heard.endAtMs ?? 0) - startMs);
      texts.push(textIn(messageIn(heard)));
    }
    expect((times[0] ?? 0) - (times[1] ?? 0)).toBeCloseTo(500, 3);
    expect(texts[0]).toBe(texts[1]);
  });

  test('may be asked for by the prompt itself, by kind or by status', async () => {
    for (const [fail, status] of [
      ['"overloaded"', 529],
      ['429', 429],
    ] as const) {
      const content = `@@sim{"fail":${fail}}@@ question`;
      expect((await createBench().call(paramsOf({ messages: [{ role: 'user', content }] }))).status).toBe(status);
    }
  });
});

describe('a fault rule meets', () => {
  const statuses = async (
    rule: FaultRule,
    calls: readonly (readonly [object, string])[],
  ): Promise<readonly (number | null)[]> => {
    const bench = createBench({ faults: [rule] });
    const heard: (number | null)[] = [];
    for (const [changes, customId] of calls) {
      const headers = { 'anthropic-version': '2023-06-01', 'batchwright-custom-id': customId };
      heard.push((await bench.call(paramsOf(changes), headers)).status);
    }
    return heard;
  };

  test('only its custom_id, as often as it says', async () => {
    const rule: FaultRule = { kind: 'overloaded', match: { customId: 'b' }, times: 2 };
    expect(
      await statuses(rule, [
        [{}, 'a'],
        [{}, 'b'],
        [{}, 'b'],
        [{}, 'b'],
      ]),
    ).toEqual([200, 529, 529, 200]);
  });

  test('only its model, by id or alias', async () => {
    const rule: FaultRule = { kind: 'overloaded', match: { model: 'claude-haiku-4-5-20251001' } };
    expect(
      await statuses(rule, [
        [{}, 'a'],
        [{ model: 'claude-opus-4-5' }, 'a'],
      ]),
    ).toEqual([529, 200]);
  });

  test('only bodies that contain its text', async () => {
    const rule: FaultRule = { kind: 'overloaded', match: { text: 'capital' } };
    expect(
      await statuses(rule, [
        [{}, 'a'],
        [{ messages: [{ role: 'user', content: 'x' }] }, 'a'],
      ]),
    ).toEqual([529, 200]);
  });

  test('the nth call, and with times the following ones', async () => {
    const four = [
      [{}, 'a'],
      [{}, 'b'],
      [{}, 'c'],
      [{}, 'd'],
    ] as const;
    expect(await statuses({ kind: 'overloaded', match: { nth: 2 } }, four)).toEqual([200, 529, 200, 200]);
    expect(await statuses({ kind: 'overloaded', match: { nth: 2 }, times: 2 }, four)).toEqual([200, 529, 529, 200]);
  });

  test('its window of time, counted from the start', async () => {
    const bench = createBench({ faults: [{ kind: 'overloaded', match: { fromMs: 100, untilMs: 200 } }] });
    const calls = [bench.start(paramsOf())];
    for (const stepMs of [100, 99, 1]) {
      await bench.clock.advance(stepMs);
      calls.push(bench.start(paramsOf()));
    }
    await bench.clock.advance(60_000);
    expect(calls.map((heard) => heard.status)).toEqual([200, 529, 529, 200]);
  });

  test('a share of the calls, the same ones for the same seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const bench = createBench({ seed, faults: [{ kind: 'overloaded', match: { rate: 0.25 } }] });
      const calls = Array.from({ length: 1000 }, () => bench.start(paramsOf()));
      await bench.clock.advance(60_000);
      return calls.map((heard) => (heard.status === 529 ? 'x' : '.')).join('');
    };
    const struck = await run(1);
    expect(await run(1)).toBe(struck);
    expect(await run(2)).not.toBe(struck);
    const share = struck.replaceAll('.', '').length;
    expect(share).toBeGreaterThan(190);
    expect(share).toBeLessThan(310);
  });

  test('nothing once cleared, and a reset starts ids and windows anew', async () => {
    const bench = createBench({ faults: [{ kind: 'overloaded' }] });
    const first = await bench.call(paramsOf());
    bench.simulator.clearFaults();
    expect((await bench.call(paramsOf())).status).toBe(200);
    bench.simulator.reset();
    expect(bench.simulator.requests()).toEqual([]);
    expect((await bench.call(paramsOf())).headers['request-id']).toBe(first.headers['request-id']);
  });
});
