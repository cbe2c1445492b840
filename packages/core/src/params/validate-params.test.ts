import { describe, expect, test } from 'vitest';
import { batchRefusal } from './batch-refusal.ts';
import { validateParams, type ParamsContext } from './validate-params.ts';

const HAIKU = 'claude-haiku-4-5';
const base = { model: HAIKU, max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] };
const sync: ParamsContext = { surface: 'sync', version: '2023-06-01', betas: [] };
const batch: ParamsContext = { ...sync, surface: 'batch' };

function message(params: unknown, context: ParamsContext = sync): string | null {
  return validateParams(params, context)?.message ?? null;
}

function withUser(...content: readonly unknown[]): object {
  return { ...base, messages: [{ role: 'user', content }] };
}

const text = (value: string, marker?: unknown): object => ({
  type: 'text',
  text: value,
  ...(marker === undefined ? {} : { cache_control: marker }),
});
const short = { type: 'ephemeral' };
const long = { type: 'ephemeral', ttl: '1h' };
const tool = { name: 'get_weather', input_schema: { type: 'object' } };
const png = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };

describe('accepts', () => {
  const accepted: readonly (readonly [string, object, ParamsContext?])[] = [
    ['a string prompt', base],
    ['stream false in a batch', { ...base, stream: false }, batch],
    ['speed standard in a batch', { ...base, speed: 'standard' }, batch],
    ['sampling under 2023-06-01', { ...base, temperature: 1, top_p: 0.5, top_k: 3 }],
    [
      'a prefill on a model that takes one',
      { ...base, messages: [...base.messages, { role: 'assistant', content: '{' }] },
    ],
    [
      'an image, a PDF and a text document',
      withUser(png, pdf(), { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }),
    ],
    ['tools, a call and its result', toolTurns('toolu_1')],
    ['max_tokens 0 synchronously', { ...base, max_tokens: 0 }],
    [
      '300k output in a batch under the beta',
      { ...base, model: 'claude-opus-4-6', max_tokens: 300_000 },
      { ...batch, betas: ['output-300k-2026-03-24'] },
    ],
    ['a field its beta unlocks', { ...base, mcp_servers: [] }, { ...sync, betas: ['mcp-client-2025-11-20'] }],
    ['four markers, long ones first', withUser(text('a', long), text('b', long), text('c', short), text('d', short))],
    ['a null marker', withUser(text('a', null))],
    [
      'automatic caching over a block marked alike',
      { ...withUser(text('a', short), text('b', short), text('c', short), text('d', short)), cache_control: short },
    ],
    ['automatic caching', { ...base, cache_control: { type: 'ephemeral', ttl: '5m' } }],
    [
      'a marker on the last nested block',
      withUser({ type: 'document', source: { type: 'content', content: [text('a'), text('b', short)] } }),
    ],
    ['structured output', { ...base, output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }],
    [
      'a thinking budget below the limit',
      { ...base, max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } },
    ],
    ['adaptive thinking on a new model', { ...base, model: 'claude-opus-5-5', thinking: { type: 'adaptive' } }],
    ['a server tool', { ...base, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['counting without max_tokens', { model: HAIKU, messages: base.messages }, { ...sync, surface: 'count_tokens' }],
    [
      'enabled citations of a document under 2026-10-21',
      withUser({ ...pdf(), citations: { enabled: true } }),
      { ...sync, version: '2026-10-21' },
    ],
  ];
  test.each(accepted.map(([claim, params, context = sync]) => ({ claim, params, context })))('$claim', (row) => {
    expect(validateParams(row.params, row.context)).toBeNull();
  });
});

function pdf(): object {
  return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } };
}

function toolTurns(resultId: string): object {
  return {
    ...base,
    tools: [tool],
    tool_choice: { type: 'tool', name: 'get_weather' },
    messages: [
      { role: 'user', content: 'weather?' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: resultId, content: [text('15'), png] }] },
    ],
  };
}

describe('refuses, in the words of the API', () => {
  const orderText =
    "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.";
  const refused: readonly (readonly [expected: string, params: unknown, context?: ParamsContext])[] = [
    ['Input should be an object', []],
    ['messages: Field required', { model: HAIKU, max_tokens: 1 }],
    ['max_tokens: Field required', { model: HAIKU, messages: base.messages }],
    ['model: Field required', { max_tokens: 1, messages: base.messages }],
    ['messages: Input should be a valid list', { ...base, messages: 'hi' }],
    ['messages: at least one message is required', { ...base, messages: [] }],
    [
      "messages.0.role: Input should be 'user', 'assistant' or 'system'",
      { ...base, messages: [{ role: 'robot', content: 'x' }] },
    ],
    ['messages.0.content: Field required', { ...base, messages: [{ role: 'user' }] }],
    ['messages: first message must use the "user" role', { ...base, messages: [{ role: 'assistant', content: 'x' }] }],
    ['messages.0.content.0.text.text: Field required', withUser({ type: 'text' })],
    ['messages: text content blocks must be non-empty', withUser(text(''))],
    [
      "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
      withUser({ type: 'image', source: { ...png.source, media_type: 'image/bmp' } }),
    ],
    [
      'messages.0.content.0.image.source.base64.data: Invalid base64 data',
      withUser({ type: 'image', source: { ...png.source, data: 'data:image/png;base64,iVBORw0KGgo=' } }),
    ],
    ['max_tokens: Input should be a valid integer', { ...base, max_tokens: '12' }],
    ['max_tokens: Input should be a valid integer, got a number with a fractional part', { ...base, max_tokens: 1.5 }],
    [
      'max_tokens: 9999999 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001',
      { ...base, max_tokens: 9_999_999 },
    ],
    [
      'max_tokens: 300000 > 128000, which is the maximum allowed number of output tokens for claude-opus-4-6',
      { ...base, model: 'claude-opus-4-6', max_tokens: 300_000 },
      { ...sync, betas: ['output-300k-2026-03-24'] },
    ],
    ['max_tokens: must be greater than or equal to 1', { ...base, max_tokens: 0 }, batch],
    ['max_tokens: must be greater than or equal to 0', { ...base, max_tokens: -1 }],
    ['max_tokens: 0 is not supported with `stream: true`.', { ...base, max_tokens: 0, stream: true }],
    [
      'max_tokens: 0 is not supported with `thinking.type: "enabled"`.',
      { ...base, max_tokens: 0, thinking: { type: 'enabled', budget_tokens: 1024 } },
    ],
    [
      'max_tokens: 0 is not supported with `output_config.format`.',
      { ...base, max_tokens: 0, output_config: { format: { type: 'json_schema', schema: {} } } },
    ],
    [
      'max_tokens: 0 is not supported with `tool_choice` of type `any` or `tool`.',
      { ...base, max_tokens: 0, tools: [tool], tool_choice: { type: 'any' } },
    ],
    [
      'max_tokens: 0 is not supported with `tool_choice` of type `any` or `tool`.',
      { ...base, max_tokens: 0, tools: [tool], tool_choice: { type: 'tool', name: 'get_weather' } },
    ],
    ['foo: Extra inputs are not permitted', { ...base, foo: 1 }],
    ['betas: Extra inputs are not permitted', { ...base, betas: ['x'] }],
    ['betas: Extra inputs are not permitted', { ...base, betas: ['x'] }, batch],
    ['mcp_servers: Extra inputs are not permitted', { ...base, mcp_servers: [] }],
    ['max_tokens: Extra inputs are not permitted', base, { ...sync, surface: 'count_tokens' }],
    ['"stream=True" is not supported in the Message Batches API', { ...base, stream: true }, batch],
    ['"speed" is not supported in the Message Batches API', { ...base, speed: 'fast' }, batch],
    ['"store" is not supported in the Message Batches API', { ...base, store: true }, batch],
    [
      '"previous_thread_event_id" is not supported in the Message Batches API',
      { ...base, previous_thread_event_id: 'x' },
      batch,
    ],
    ['"cache_hint" is not supported in the Message Batches API', { ...base, cache_hint: {} }, batch],
    ['"context_hint" is not supported in the Message Batches API', { ...base, context_hint: {} }, batch],
    [
      '"research_preview_2026_02" is not supported in the Message Batches API',
      { ...base, research_preview_2026_02: 'active' },
      batch,
    ],
    ['"fallbacks" is not supported in the Message Batches API', { ...base, fallbacks: 'default' }, batch],
    [
      'A maximum of 4 blocks with cache_control may be provided. Found 5.',
      withUser(...'abcde'.split('').map((c) => text(c, short))),
    ],
    [
      'A maximum of 4 blocks with cache_control may be provided. Found 5.',
      {
        ...withUser(text('a', short), text('b', short), text('c', short), text('d', short), text('e')),
        cache_control: short,
      },
    ],
    [`messages.0.content.1.cache_control.ttl: ${orderText}`, withUser(text('a', short), text('b', long))],
    [
      `messages.0.content.0.cache_control.ttl: ${orderText}`,
      { ...withUser(text('a', long)), tools: [{ ...tool, cache_control: short }] },
    ],
    [`cache_control.ttl: ${orderText}`, { ...withUser(text('a', short), text('b')), cache_control: long }],
    ['messages.0.content.0.text: cache_control cannot be set for empty text blocks', withUser(text('', short)), batch],
    ['system.0.text: cache_control cannot be set for empty text blocks', { ...base, system: [text('', short)] }],
    [
      "messages.0.content.0.cache_control.type: Input should be 'ephemeral'",
      withUser(text('a', { type: 'persistent' })),
    ],
    [
      "messages.0.content.0.cache_control.ttl: Input should be '5m' or '1h'",
      withUser(text('a', { ...short, ttl: '2h' })),
    ],
    ['messages.0.content.0.cache_control: Input should be an object', withUser(text('a', true))],
    ['temperature: range: 0..1', { ...base, temperature: 1.2 }],
    ['top_p: range: 0..1', { ...base, top_p: -0.1 }],
    ['top_k: Input should be greater than or equal to 0', { ...base, top_k: -1 }],
    ['temperature: Input should be a valid number', { ...base, temperature: 'hot' }],
    ['temperature: Extra inputs are not permitted', { ...base, temperature: 1 }, { ...sync, version: '2026-10-21' }],
    ['top_k: Extra inputs are not permitted', { ...base, top_k: 1 }, { ...batch, version: '2026-10-21' }],
    [
      'messages.0.content.0.text.citations: citations are not permitted in user messages',
      withUser({ ...text('a'), citations: [{}] }),
      { ...sync, version: '2026-10-21' },
    ],
    [
      'messages.1.content.0: `document` blocks are not permitted in assistant messages',
      { ...base, messages: [...base.messages, { role: 'assistant', content: [pdf()] }] },
      { ...batch, version: '2026-10-21' },
    ],
    [
      "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
      { ...base, tools: [{ ...tool, name: 'a b' }] },
    ],
    ['tools.0.custom.input_schema: Field required', { ...base, tools: [{ name: 'x' }] }],
    [
      "tools.0.custom.input_schema.type: Input should be 'object'",
      { ...base, tools: [{ name: 'x', input_schema: { type: 'string' } }] },
    ],
    ['tools: Tool names must be unique.', { ...base, tools: [tool, tool] }],
    [
      "tool_choice.tool.name: Tool 'nope' not found in provided tools",
      { ...base, tools: [tool], tool_choice: { type: 'tool', name: 'nope' } },
    ],
    ['tool_choice: may only be specified while providing tools', { ...base, tool_choice: { type: 'any' } }],
    ['stop_sequences: Input should be a valid list', { ...base, stop_sequences: 'x' }],
    ['stop_sequences.0: Input should be a valid string', { ...base, stop_sequences: [1] }],
    ['stop_sequences: each stop sequence must contain non-whitespace', { ...base, stop_sequences: ['\n'] }],
    [
      'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024',
      { ...base, thinking: { type: 'enabled', budget_tokens: 10 } },
    ],
    [
      '`max_tokens` must be greater than `thinking.budget_tokens`.',
      { ...base, thinking: { type: 'enabled', budget_tokens: 1024 } },
    ],
    [
      'Thinking may not be enabled when tool_choice forces tool use.',
      {
        ...base,
        max_tokens: 2000,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        tools: [tool],
        tool_choice: { type: 'any' },
      },
    ],
    [
      'This model does not support assistant message prefill. The conversation must end with a user message.',
      { ...base, model: 'claude-opus-4-6', messages: [...base.messages, { role: 'assistant', content: '{' }] },
    ],
    ['`temperature` is deprecated for this model.', { ...base, model: 'claude-opus-4-7', temperature: 0 }],
    ['`top_p` is deprecated for this model.', { ...base, model: 'claude-opus-4-7', top_p: 0.9 }],
    [
      'tool_choice: `any` is not supported for this model. Use `auto` or `none`.',
      { ...base, model: 'claude-opus-5-5', tools: [tool], tool_choice: { type: 'any' } },
    ],
    [
      '"thinking.type.disabled" is not supported for this model.',
      { ...base, model: 'claude-fable-5-1', thinking: { type: 'disabled' } },
    ],
    [
      'metadata.user_id: String should have at most 512 characters',
      { ...base, metadata: { user_id: 'x'.repeat(513) } },
    ],
  ];
  test.each(refused.map(([words, params, context = sync]) => ({ words, params, context })))('$words', (row) => {
    expect(validateParams(row.params, row.context)).toEqual({ type: 'invalid_request_error', message: row.words });
  });

  test('an unknown block type, by its tag', () => {
    expect(message(withUser({ type: 'video' }))).toMatch(
      /^messages\.0\.content\.0: Input tag 'video' found using 'type' does not match any of the expected tags: 'text', /,
    );
  });

  test('an unknown model is not found', () => {
    expect(validateParams({ ...base, model: 'claude-does-not-exist-9' }, batch)).toEqual({
      type: 'not_found_error',
      message: 'model: claude-does-not-exist-9',
    });
  });

  test('a tool result that answers no call, and a call left unanswered', () => {
    expect(message(toolTurns('toolu_2'))).toMatch(
      /^messages\.2\.content\.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_2\./,
    );
    const turns = toolTurns('toolu_1') as { readonly messages: readonly object[] };
    const open = { ...turns, messages: [...turns.messages.slice(0, 2), { role: 'user', content: 'never mind' }] };
    expect(message(open)).toMatch(
      /^messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1\./,
    );
  });

  test('a marker nested anywhere but last in its parent', () => {
    expect(
      message(withUser({ type: 'document', source: { type: 'content', content: [text('a', short), text('b')] } })),
    ).toMatch(/^messages\.0\.content\.0\.source\.content\.0\.cache_control: /);
  });

  test('a marker on a thinking block', () => {
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's', cache_control: short };
    const params = {
      ...base,
      messages: [...base.messages, { role: 'assistant', content: [thinking, text('ok')] }, ...base.messages],
    };
    expect(message(params)).toBe('messages.1.content.0.thinking.cache_control: Extra inputs are not permitted');
  });

  test('automatic caching over a last block marked with another ttl', () => {
    expect(message({ ...withUser(text('a', long)), cache_control: short })).toMatch(/^cache_control\.ttl: /);
  });
});

describe('what a batch server refuses without an upstream', () => {
  test('leaves unknown models, unknown keys and token limits to the upstream', () => {
    for (const params of [
      { ...base, model: 'llama-4' },
      { ...base, foo: 1 },
      { ...base, max_tokens: 9_999_999 },
    ]) {
      expect(batchRefusal(params, '2026-10-21')).toBeNull();
      expect(validateParams(params, batch)).not.toBeNull();
    }
  });

  test('refuses nothing that is not also refused in full', () => {
    const wrong = [
      null,
      7,
      {},
      { ...base, stream: true },
      { ...base, max_tokens: 0 },
      { ...base, betas: [] },
      withUser(text('', short)),
    ];
    for (const params of wrong) {
      const refusal = batchRefusal(params, '2023-06-01');
      expect(refusal).not.toBeNull();
      expect(validateParams(params, batch)).toEqual(refusal);
    }
  });
});
