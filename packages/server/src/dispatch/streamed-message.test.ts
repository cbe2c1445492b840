import { describe, expect, it } from 'vitest';
import { frame, read } from './event-stream.fixture.ts';
import { StreamedMessage } from './streamed-message.ts';

const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  content: [],
  stop_reason: null,
  usage: { input_tokens: 3, cache_creation_input_tokens: 20, cache_read_input_tokens: 4, output_tokens: 1 },
};
const START = frame({ type: 'message_start', message: MESSAGE });
const STOP = frame({ type: 'message_stop' });
const end = (reason: string, usage: object = { output_tokens: 9 }): string =>
  frame({ type: 'message_delta', delta: { stop_reason: reason }, usage }) + STOP;
const block = (start: object, ...deltas: readonly object[]): string =>
  frame({ type: 'content_block_start', index: 0, content_block: start }) +
  deltas.map((delta) => frame({ type: 'content_block_delta', index: 0, delta })).join('') +
  frame({ type: 'content_block_stop', index: 0 });
const content = (stream: string): unknown => (JSON.parse(read(stream).text) as { content: unknown[] }).content[0];

describe('a streamed message', () => {
  it('tells what the prompt cost as soon as its start is there, and once', () => {
    const starts: unknown[] = [];
    const message = new StreamedMessage((usage) => starts.push(usage));
    message.push(Buffer.from(START.slice(0, -1)));
    expect(starts).toEqual([]);
    message.push(Buffer.from('\n'));
    expect(starts).toEqual([{ inputTokens: 3, readTokens: 4, createdTokens: 20 }]);
    message.push(Buffer.from(end('end_turn')));
    expect(starts).toHaveLength(1);
  });

  it.each([
    ['knows no caches', { input_tokens: 5 }, null],
    [
      'reports reads alone',
      { input_tokens: 5, cache_read_input_tokens: 2 },
      { inputTokens: 5, readTokens: 2, createdTokens: 0 },
    ],
    ['says null', { cache_read_input_tokens: null, cache_creation_input_tokens: null }, null],
    ['has no usage', undefined, null],
  ])('tells what it can of an upstream that %s', (_, usage, told) => {
    expect(read(frame({ type: 'message_start', message: { usage } })).starts).toEqual([told]);
  });

  it('keeps numbers, escapes and the order of keys as they were sent', () => {
    const stream =
      'event: message_start\ndata: { "message" : {"n":1.0,"id":"\\u006d","usage":{"x":1e2}}, "type":"message_start"}\n\n' +
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"2":1.50,"text":"\\u00e9","1":{}}}\n\n' +
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\/é\\ud83d"}}\n\n' +
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ude00"}}\n\n' +
      STOP;
    expect(read(stream).text).toBe(
      '{"n":1.0,"id":"\\u006d","usage":{"x":1e2},"content":[{"2":1.50,"text":"\\u00e9\\/é\\ud83d\\ude00","1":{}}]}',
    );
  });

  it('keeps a tool’s input as the model wrote it', () => {
    const input = '{"b": 1.0, "10": "\\u00e9\\"x", "1": [ ]}';
    const pieces = [input.slice(0, 3), '', input.slice(3, 20), input.slice(20)];
    const stream =
      START +
      block(
        { type: 'tool_use', input: {} },
        ...pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      );
    expect(read(stream + end('tool_use')).text).toContain(`"content":[{"type":"tool_use","input":${input}}]`);
  });

  it('spells half a pair of surrogates in a tool’s input by its escape', () => {
    const stream = START + block({ input: {} }, { type: 'input_json_delta', partial_json: '{"a":"\ud83d"}' });
    expect(read(stream + end('tool_use')).text).toContain('{"a":"\\ud83d"}');
  });

  it('hands over what is whole of an input that was cut short', () => {
    const stream = START + block({ input: {} }, { type: 'input_json_delta', partial_json: '{"a":[1,{"b":tr' });
    expect(content(stream + end('max_tokens'))).toEqual({ input: { a: [1, {}] } });
  });

  it('leaves the input a block began with when none follows', () => {
    const stream = START + block({ input: { a: 1 } }, { type: 'input_json_delta', partial_json: '' });
    expect(content(stream + end('tool_use'))).toEqual({ input: { a: 1 } });
  });

  it('takes deltas it does not know for what they look like', () => {
    const stream =
      START +
      block(
        { type: 'new', said: 'a', list: [1], n: 1, gone: null },
        { type: 'new_delta', said: 'b', list: [2, 3], n: 2, gone: 'c', more: [] },
        { type: 'other_delta', said: 'c', list: [], gone: 'd', more: [{}], n: 'x' },
        { type: 'other_delta', n: 'y' },
      );
    expect(content(stream + end('end_turn'))).toEqual({
      type: 'new',
      said: 'abc',
      list: [1, 2, 3],
      n: 'xy',
      gone: 'cd',
      more: [{}],
    });
  });

  it('takes the last signature and the last summary for the whole of it', () => {
    const signed = [
      { type: 'signature_delta', signature: 'a' },
      { type: 'signature_delta', signature: 'b' },
    ];
    const stream = START + block({ type: 'thinking', signature: 'x' }, ...signed);
    expect(content(stream + end('end_turn'))).toEqual({ type: 'thinking', signature: 'b' });
    const summed = [
      { type: 'compaction_delta', content: 'a' },
      { type: 'compaction_delta', content: 'b' },
    ];
    expect(content(START + block({ type: 'compaction', content: 'x' }, ...summed) + end('end_turn'))).toEqual({
      type: 'compaction',
      content: 'b',
    });
  });

  it('adds what a start leaves out, be it all', () => {
    const stream = frame({ type: 'message_start', message: {} }) + end('end_turn', { output_tokens: 2 });
    expect(read(stream).text).toBe('{"stop_reason":"end_turn","content":[],"usage":{"output_tokens":2}}');
  });

  it('begins with the blocks that a start has already', () => {
    const early = [{ type: 'text', text: 'a' }, 'odd'];
    const stream = frame({ type: 'message_start', message: { content: early } });
    const delta = frame({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'b' } });
    expect(JSON.parse(read(stream + delta + STOP).text)).toEqual({ content: [{ type: 'text', text: 'ab' }, 'odd'] });
  });

  it('merges totals, and takes null for nothing new but in how it stopped', () => {
    const stream =
      START +
      frame({
        type: 'message_delta',
        delta: { stop_reason: 'refusal', stop_sequence: null, stop_details: { type: 'refusal' }, container: null },
        usage: { output_tokens: 7, cache_read_input_tokens: null, iterations: [1] },
        context_management: { applied_edits: [] },
        new_thing: null,
      }) +
      STOP;
    expect(JSON.parse(read(stream).text)).toEqual({
      ...MESSAGE,
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal' },
      usage: { ...MESSAGE.usage, output_tokens: 7, iterations: [1] },
      context_management: { applied_edits: [] },
    });
  });

  it('goes by the index of a delta, and by the last block where it has none', () => {
    const delta = (text: string, index?: number): string =>
      frame({
        type: 'content_block_delta',
        ...(index === undefined ? {} : { index }),
        delta: { type: 'text_delta', text },
      });
    const begin = (index: number): string =>
      frame({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } });
    const stream = START + begin(0) + begin(4) + delta('a', 0) + delta('b') + delta('c', 4) + delta('d', 0) + STOP;
    expect(JSON.parse(read(stream).text)).toHaveProperty('content', [
      { type: 'text', text: 'ad' },
      { type: 'text', text: 'bc' },
    ]);
  });

  it('ignores pings, comments, unknown events and whatever follows its end', () => {
    const noise =
      ': comment\n\nevent: ping\ndata: {"type": "ping"}\n\nevent: ping\ndata:\n\nid: 3\nretry: 10\n\n' +
      'event: new\ndata: not json\n\nevent: new\ndata: {"type":"new"}\n\ndata: [DONE]\n\n';
    const stream = noise + START + noise + block({ type: 'text', text: 'a' }) + noise + end('end_turn') + noise;
    const plain = START + block({ type: 'text', text: 'a' }) + end('end_turn');
    expect(read(`${stream}data: {broken\n\nevent: error\ndata: {"type":"error"}\n\n`).text).toBe(read(plain).text);
  });

  it.each([
    ['CR and LF', (stream: string) => stream.replaceAll('\n', '\r\n')],
    ['CR alone', (stream: string) => stream.replaceAll('\n', '\r')],
    ['a byte order mark', (stream: string) => `\ufeff${stream}`],
    ['a byte order mark before data', (stream: string) => `\ufeff${stream.slice(stream.indexOf('data'))}`],
    [
      'data over two lines, by CR and LF',
      (stream: string) => stream.replaceAll('data: {', 'data: {\ndata: ').replaceAll('\n', '\r\n'),
    ],
    ['no space after colons', (stream: string) => stream.replaceAll(/^(event|data): /gm, '$1:')],
    ['no names of events', (stream: string) => stream.replaceAll(/^event: .*\n/gm, '')],
    [
      'types in names alone',
      (stream: string) => stream.replaceAll(/"type":"(message|content_block)_\w+",?/g, '').replaceAll(',}', '}'),
    ],
    ['data over two lines', (stream: string) => stream.replaceAll('data: {', 'data: {\ndata: ')],
    ['no empty line at its end', (stream: string) => stream.slice(0, -1)],
    ['no newline at its end', (stream: string) => stream.slice(0, -2)],
  ])('reads a stream with %s', (_, change) => {
    const plain =
      START + block({ type: 'text', text: '' }, { type: 'text_delta', text: 'b\u2028\r\n' }) + end('end_turn');
    const changed = change(plain);
    const { text } = read(changed);
    expect(JSON.parse(text)).toEqual(JSON.parse(read(plain).text));
    for (let cut = 0; cut <= Buffer.byteLength(changed); cut++) expect(read(changed, [cut]).text).toBe(text);
  });
});

describe('a stream that fails', () => {
  const error = (type: string, more: object = {}): string =>
    frame({ type: 'error', error: { type, message: 'm', ...more } });

  it.each([
    ['overloaded_error', { type: 'overloaded', retryAfterMs: null }],
    ['rate_limit_error', { type: 'rate_limited', retryAfterMs: null }],
    ['api_error', { type: 'broken', reason: 'answered 500: m' }],
    ['timeout_error', { type: 'timed_out' }],
    [
      'invalid_request_error',
      { type: 'rejected', error: { type: 'invalid_request_error', message: 'm' }, requestId: null },
    ],
    ['what_is_this', { type: 'broken', reason: 'answered 500: m' }],
  ])('with %s means what an answer with that error means', (type, answer) => {
    for (const stream of [error(type), START + error(type) + end('end_turn'), START + block({}) + error(type)]) {
      expect(read(stream)).toMatchObject({ answer, text: '' });
    }
  });

  it('by a spend cap pauses, as the same answer would', () => {
    const cap = error('rate_limit_error', { details: { error_code: 'enforced_spend_limit_reached' } });
    expect(read(START + cap).answer).toMatchObject({ type: 'paused', reason: 'spend_cap' });
  });

  it('in the words of other servers is understood', () => {
    expect(read(`${START}data: {"error":{"message":"no","code":400}}\n\n`).answer).toMatchObject({ type: 'rejected' });
    expect(read(`${START}event: error\ndata: gone\n\n`).answer).toEqual({
      type: 'broken',
      reason: 'answered 500: gone',
    });
  });

  it('hands the headers of the response to the judgement', () => {
    const message = new StreamedMessage(() => {});
    message.push(Buffer.from(error('overloaded_error')));
    expect(message.end({ 'retry-after': '3' }, 0).answer).toEqual({ type: 'overloaded', retryAfterMs: 3000 });
  });

  const TEXT_START = frame({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  it.each([
    ['nothing at all', '', 'without a message'],
    ['no message_stop', START + block({}), 'before its message did'],
    ['half of its last event', (START + STOP).slice(0, -20), 'before its message did'],
    ['an end and no start', STOP, 'without a message'],
    ['an event that is not JSON', `${START}event: content_block_delta\ndata: {"type":"content_block_\n\n`, 'not JSON'],
    ['data that is not JSON', `${START}data: {"type"\n\n`, 'not JSON'],
    ['bytes that are no UTF-8', Buffer.from(`${START}data: {"a":"\u00ff"}\n\n`, 'latin1'), 'not JSON'],
    ['two messages', START + START, 'two messages'],
    ['a start without message', frame({ type: 'message_start' }), 'holds no message'],
    ['a block without beginning', START + frame({ type: 'content_block_start', index: 0 }), 'has no beginning'],
    [
      'a delta of no block',
      START + TEXT_START + frame({ type: 'content_block_delta', index: 1, delta: {} }),
      'belongs to no',
    ],
    [
      'an input that is no JSON',
      START + block({}, { type: 'input_json_delta', partial_json: '{"a":x}' }) + end('tool_use'),
      'not JSON',
    ],
  ])('by %s is broken', (_, stream, reason) => {
    expect(read(stream)).toMatchObject({
      answer: { type: 'broken', reason: expect.stringContaining(reason) as unknown },
      text: '',
    });
  });

  it('is known to be over at once', () => {
    const message = new StreamedMessage(() => {});
    message.push(Buffer.from(START));
    expect(message.isOver).toBe(false);
    message.push(Buffer.from(error('api_error')));
    expect(message.isOver).toBe(true);
  });

  it.each([
    [
      'one text',
      (text: string) =>
        block({ type: 'text', text: '' }, ...Array.from({ length: 100 }, () => ({ type: 'text_delta', text }))),
    ],
    ['many blocks', () => Array.from({ length: 100 }, () => block({})).join('')],
    ['one event', (text: string) => `data: ${text.repeat(100)}`],
    ['one event of many lines', () => 'data:\n'.repeat(200)],
    [
      'inputs',
      (text: string) =>
        block({}, ...Array.from({ length: 100 }, () => ({ type: 'input_json_delta', partial_json: text }))),
    ],
    [
      'citations',
      (text: string) => block({}, ...Array.from({ length: 100 }, () => ({ type: 'citations_delta', citation: text }))),
    ],
  ])('by the length of %s is broken, however its bytes come', (_, build) => {
    const stream = START + build('x'.repeat(100));
    for (const cuts of [[], Array.from({ length: stream.length >> 4 }, (_, i) => i << 4)]) {
      expect(read(stream, cuts, 8000).answer).toEqual({
        type: 'broken',
        reason: 'the answer is longer than 8000 bytes',
      });
      expect(read(stream, cuts, 200_000).answer).not.toMatchObject({
        reason: expect.stringContaining('longer') as unknown,
      });
    }
  });

  it('is not called long for its pings', () => {
    const stream = START + frame({ type: 'ping' }).repeat(1000) + end('end_turn');
    const cuts = Array.from({ length: stream.length / 50 }, (_, i) => i * 50);
    expect(read(stream, cuts, 4000).answer).toEqual({ type: 'succeeded' });
  });
});
