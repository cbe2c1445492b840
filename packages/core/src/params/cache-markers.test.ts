import { describe, expect, test } from 'vitest';
import { checkCacheMarkers, readCacheMarkers } from './cache-markers.ts';

/** Which blocks are marked, and what may not be; the words for markers at the top of blocks are tested with all params. */
const short = { type: 'ephemeral' };
const long = { type: 'ephemeral', ttl: '1h' };
const text = (value: string, marker?: object | null): object => ({
  type: 'text',
  text: value,
  ...(marker === undefined ? {} : { cache_control: marker }),
});
const user = (...content: readonly object[]): object => ({ role: 'user', content });
const tool = { name: 't', input_schema: { type: 'object' } };

describe('markers are read', () => {
  test('by block, counting tools, system and messages whatever the order of the keys', () => {
    const params = {
      messages: [
        { role: 'user', content: 'one' },
        { role: 'assistant', content: [text('two')] },
        user(text('3', short)),
      ],
      system: [text('a'), text('b', long)],
      tools: [tool, { ...tool, name: 'u', cache_control: long }],
    };
    expect(checkCacheMarkers(params)).toBeNull();
    expect(readCacheMarkers(params).map(({ block, ttl }) => [block, ttl])).toEqual([
      [1, '1h'],
      [3, '1h'],
      [6, '5m'],
    ]);
  });

  test('on the parent of the block that carries them', () => {
    const result = { type: 'tool_result', tool_use_id: 'x', content: [text('a'), text('b', short)] };
    const document = { type: 'document', source: { type: 'content', content: [text('a', long)] } };
    const params = { messages: [user(document, result, text('why?'))] };
    expect(checkCacheMarkers(params)).toBeNull();
    expect(readCacheMarkers(params).map(({ block, ttl }) => [block, ttl])).toEqual([
      [0, '1h'],
      [1, '5m'],
    ]);
  });

  const thinking = { type: 'thinking', thinking: 'hm', signature: 's' };
  test.each([
    ['on the last block', [user(text('a'), text('b'))], [1]],
    ['as none of its own where the last block is marked alike', [user(text('a', short), text('b', short))], [0, 1]],
    ['before blocks that cannot be marked', [user(text('a')), { role: 'assistant', content: [thinking] }], [0]],
    ['on a string', [{ role: 'user', content: 'a' }], [0]],
    ['nowhere where nothing can be marked', [{ role: 'user', content: '' }], []],
  ])('automatic caching: %s', (_, messages, expected) => {
    const params = { messages, cache_control: short };
    expect(checkCacheMarkers(params)).toBeNull();
    expect(readCacheMarkers(params).map(({ block }) => block)).toEqual(expected);
  });
});

describe('a marker is refused', () => {
  const nested = /^messages\.0\.content\.0\.(.+)\.cache_control: cache_control on a nested block is only permitted on/;
  test.each([
    ['on a citation', text('a'), { citations: [{ cache_control: short }] }, 'citations.0'],
    ['on an empty nested text', { type: 'tool_result' }, { content: [text('', short)] }, 'content.0'],
  ])('%s', (_, block, changes, at) => {
    const params = { messages: [user({ ...block, ...changes })] };
    expect(checkCacheMarkers(params)?.message).toMatch(new RegExp(`^messages\\.0\\.content\\.0\\.${at}\\.`));
  });

  const document = { type: 'document', source: { type: 'content', content: [text('a', short)] } };
  test.each([
    ['before the last nested block', { type: 'tool_result', content: [text('a', short), text('b')] }, 'content.0'],
    ['two levels down', { type: 'tool_result', content: [document] }, 'content.0.source.content.0'],
    ['inside a search result', { type: 'search_result', content: [text('a', short)] }, 'content.0'],
  ])('%s', (_, block, at) => {
    const { message = '' } = checkCacheMarkers({ messages: [user(block)] }) ?? {};
    expect(nested.exec(message)?.[1]).toBe(at);
  });
});
