import Anthropic from '@anthropic-ai/sdk';
import { VirtualClock } from '@batchwright/core';
import { createSimulator } from '@batchwright/simulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame, read } from './event-stream.fixture.ts';
import { editParams } from '@batchwright/scan';

/** The official client takes a few milliseconds a stream, and a busy machine several times as long. */
const PATIENCE_MS = 30_000;
/** Shrinking ends in time for the seed to be told. */
const IN_TIME = { plugins: [fc.interruptAfterTimeLimit(PATIENCE_MS - 5000, { failOnInterrupt: true })] };
const cuts = fc.array(fc.nat(), { maxLength: 12 });

/** Asks a new simulator, whose cache is cold, and waits for all of the answer. */
async function ask(params: Uint8Array): Promise<Buffer> {
  const clock = new VirtualClock(1_800_000_000_000);
  const chunks: Uint8Array[] = [];
  createSimulator({ clock, seed: 1 }).handle(
    { method: 'POST', path: '/v1/messages', headers: { 'anthropic-version': '2023-06-01' }, body: params },
    {
      onHead: (status) => expect(status).toBe(200),
      onData: (chunk) => void chunks.push(Uint8Array.from(chunk)),
      onEnd: () => {},
      onFailure: (reason) => expect.fail(reason),
    },
  );
  await clock.advance(24 * 60 * 60 * 1000);
  return Buffer.concat(chunks);
}

/** Ids differ between any two calls. */
const withoutIds = (message: string): string => message.replaceAll(/(msg|toolu)_sim_\w+/g, '$1');

const tool = {
  name: 'look',
  input_schema: {
    type: 'object',
    properties: { where: { type: 'string' }, deep: { type: 'array', items: { type: 'number' }, minItems: 2 } },
    required: ['where', 'deep'],
  },
};
const simulated = fc.record(
  {
    model: fc.constantFrom('claude-haiku-4-5', 'claude-sonnet-4-5', 'claude-opus-4-6'),
    max_tokens: fc.constantFrom(1, 7, 40, 2000, 4000),
    messages: fc
      .tuple(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.constantFrom('', '@@sim{"out":300}@@', '@@sim{"out":3}@@'),
      )
      .map(([text, directive]) => [{ role: 'user', content: `${directive}${text}.` }]),
    system: fc.constantFrom('short', [{ type: 'text', text: 'x '.repeat(4200), cache_control: { type: 'ephemeral' } }]),
    tools: fc.constant([tool]),
    tool_choice: fc.constant({ type: 'any' }),
    thinking: fc.constant({ type: 'enabled', budget_tokens: 1024 }),
    stop_sequences: fc.constantFrom(['the'], ['e', 'a']),
    stream: fc.constant(false),
  },
  { requiredKeys: ['model', 'max_tokens', 'messages'] },
);

/** What is left runs: thinking needs room, and a forced tool needs tools and no thinking. */
function runnable(params: typeof simulated extends fc.Arbitrary<infer T> ? T : never): object {
  const { thinking, tool_choice: choice, ...rest } = params;
  const thinks = thinking !== undefined && rest.max_tokens > thinking.budget_tokens;
  return {
    ...rest,
    ...(thinks ? { thinking } : {}),
    ...(choice !== undefined && rest.tools !== undefined && !thinks ? { tool_choice: choice } : {}),
  };
}

describe('a simulated answer', () => {
  it(
    'is byte for byte the same, streamed or not',
    async () => {
      await fc.assert(
        fc.asyncProperty(simulated, cuts, async (wanted, at) => {
          const params = Buffer.from(JSON.stringify(runnable(wanted)));
          const whole = (await ask(params)).toString();
          const streamed = read(await ask(editParams(params, { stream: true })), at);
          expect(withoutIds(streamed.text)).toBe(withoutIds(whole));
          const { usage } = JSON.parse(whole) as { usage: Record<string, number> };
          expect(streamed.starts).toEqual([
            {
              inputTokens: usage['input_tokens'],
              readTokens: usage['cache_read_input_tokens'],
              createdTokens: usage['cache_creation_input_tokens'],
            },
          ]);
        }),
        { numRuns: 100, ...IN_TIME },
      );
    },
    PATIENCE_MS,
  );

  it(
    'is the same wherever its stream is cut, and byte by byte',
    async () => {
      const params = {
        model: 'claude-sonnet-4-5',
        max_tokens: 2000,
        messages: [{ role: 'user', content: 'naïve 😀?' }],
      };
      const more = { thinking: { type: 'enabled', budget_tokens: 1024 }, tools: [tool], stream: true };
      const stream = await ask(Buffer.from(JSON.stringify({ ...params, ...more })));
      const { text } = read(stream);
      expect(JSON.parse(text)).toHaveProperty('content.length', 2);
      for (let cut = 0; cut <= stream.length; cut++) expect(read(stream, [cut]).text).toBe(text);
      expect(read(stream, [...stream.keys()]).text).toBe(text);
    },
    PATIENCE_MS,
  );
});

type Event = Parameters<typeof frame>[0];

async function bySdk(stream: string, surface: 'beta' | 'stable'): Promise<unknown> {
  const client = new Anthropic({
    apiKey: 'sk-test',
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(stream, { headers: { 'content-type': 'text/event-stream' } })),
  });
  const params = { model: 'm', max_tokens: 9, messages: [{ role: 'user' as const, content: 'q' }] };
  const final = surface === 'beta' ? client.beta.messages.stream(params) : client.messages.stream(params);
  // A key of the client's own, for what it reads into a text.
  const sent = (key: string, value: unknown): unknown => (key === 'parsed_output' ? undefined : value);
  return JSON.parse(JSON.stringify(await final.finalMessage(), sent)) as unknown;
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const pieces = fc.array(text, { maxLength: 5 });
const json = fc.jsonValue({ maxDepth: 3 });

/** A block as the events between its start and its stop. */
type Script = { readonly start: object; readonly deltas: readonly object[] };

const textBlock: fc.Arbitrary<Script> = fc
  .tuple(
    text,
    pieces,
    fc.array(fc.record({ type: fc.constant('page_location'), cited_text: text }), { maxLength: 3 }),
    fc.constantFrom(null, []),
  )
  .map(([first, rest, citations, none]) => ({
    start: { type: 'text', text: first, citations: none },
    deltas: [
      ...rest.map((piece) => ({ type: 'text_delta', text: piece })),
      ...citations.map((citation) => ({ type: 'citations_delta', citation })),
    ],
  }));
const thinkingBlock: fc.Arbitrary<Script> = fc.tuple(pieces, text).map(([rest, signature]) => ({
  start: { type: 'thinking', thinking: '', signature: '' },
  deltas: [
    ...rest.map((thinking) => ({ type: 'thinking_delta', thinking, estimated_tokens: 3 })),
    { type: 'signature_delta', signature },
  ],
}));

/** The input of a tool as JSON, whole or cut short, in a few pieces. */
const inputPieces = fc
  .tuple(
    fc.dictionary(text, json),
    fc.constantFrom(0, 1),
    fc.option(fc.nat(), { freq: 2 }),
    fc.array(fc.nat(), { maxLength: 4 }),
  )
  .map(([input, indent, end, at]) => {
    const whole = JSON.stringify(input, null, indent);
    const kept = end === null ? whole : whole.slice(0, end % (whole.length + 1));
    const offsets = [0, ...at.map((cut) => cut % (kept.length + 1)).sort((a, b) => a - b), kept.length];
    return offsets.slice(1).map((offset, i) => kept.slice(offsets[i], offset));
  });
const toolBlock: fc.Arbitrary<Script> = fc
  .tuple(fc.constantFrom('tool_use', 'server_tool_use'), inputPieces)
  .map(([type, list]) => ({
    start: { type, id: 'toolu_1', name: 'look', input: {}, caller: { type: 'direct' } },
    deltas: ['', ...list].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  }));
const wholeBlock: fc.Arbitrary<Script> = fc
  .tuple(
    fc.constantFrom(
      ...['redacted_thinking', 'web_search_tool_result', 'web_fetch_tool_result', 'code_execution_tool_result'],
      ...['bash_code_execution_tool_result', 'text_editor_code_execution_tool_result', 'tool_search_tool_result'],
      ...['container_upload', 'mcp_tool_result', 'advisor_tool_result', 'something_newer'],
    ),
    json,
  )
  .map(([type, value]) => ({ start: { type, data: 'abc', content: value }, deltas: [] }));
const betaBlock: fc.Arbitrary<Script> = fc.oneof(
  inputPieces.map((list) => ({
    start: { type: 'mcp_tool_use', id: 'm', name: 'n', server_name: 's', input: {} },
    deltas: list.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  })),
  fc.tuple(fc.option(text), fc.option(text)).map(([content, encrypted]) => ({
    start: { type: 'compaction', content: null },
    deltas: [{ type: 'compaction_delta', content, ...(encrypted === null ? {} : { encrypted_content: encrypted }) }],
  })),
  text.map((model) => ({ start: { type: 'fallback', from: { model: 'a' }, to: { model } }, deltas: [] })),
);

const usage = fc.record(
  {
    input_tokens: fc.option(fc.nat()),
    cache_creation_input_tokens: fc.option(fc.nat()),
    cache_read_input_tokens: fc.option(fc.nat()),
    server_tool_use: fc.option(fc.record({ web_search_requests: fc.nat() })),
    output_tokens_details: fc.option(fc.record({ thinking_tokens: fc.nat() })),
    output_tokens: fc.nat(),
  },
  { requiredKeys: ['output_tokens'] },
);
const ending = fc.record({
  stop_reason: fc.constantFrom('end_turn', 'tool_use', 'refusal'),
  stop_sequence: fc.constantFrom(null, 'x'),
  stop_details: fc.constantFrom(null, { type: 'refusal', category: null }),
  container: fc.option(fc.record({ id: text })),
});
const betaEnding = fc.record(
  {
    context_management: fc.option(fc.record({ applied_edits: fc.constant([]) })),
    input_transformations: fc.option(fc.array(json, { maxLength: 1 })),
  },
  { requiredKeys: [] },
);

function script(
  blocks: readonly Script[],
  first: object,
  delta: object,
  totals: object,
  more: object,
): readonly Event[] {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [] };
  const stops = { stop_reason: null, stop_sequence: null, stop_details: null, container: null };
  return [
    { type: 'message_start', message: { ...message, ...stops, usage: first } },
    { type: 'ping' },
    ...blocks.flatMap(({ start, deltas }, index): Event[] => [
      { type: 'content_block_start', index, content_block: start },
      ...deltas.map((one) => ({ type: 'content_block_delta', index, delta: one })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta, usage: totals, ...more },
    { type: 'message_stop' },
  ];
}

describe('a streamed message', () => {
  it.each([
    ['stable', fc.oneof(textBlock, thinkingBlock, toolBlock, wholeBlock), fc.constant({})],
    ['beta', fc.oneof(textBlock, thinkingBlock, toolBlock, wholeBlock, betaBlock), betaEnding],
  ] as const)(
    'is what the %s client of the official SDK makes of it',
    async (surface, block, more) => {
      const property = fc.asyncProperty(
        fc.array(block, { maxLength: 5 }),
        ...([usage, ending, usage, more, cuts] as const),
        async (blocks, first, delta, totals, extra, at) => {
          const stream = script(blocks, first, delta, totals, extra).map(frame).join('');
          const ours = read(stream, at);
          expect(ours.answer).toEqual({ type: 'succeeded' });
          expect(JSON.parse(ours.text)).toEqual(await bySdk(stream, surface));
        },
      );
      await fc.assert(property, { numRuns: 150, ...IN_TIME });
    },
    PATIENCE_MS,
  );
});
