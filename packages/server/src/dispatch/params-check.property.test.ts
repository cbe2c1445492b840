import { batchRefusal } from '@batchwright/core';
import { TRAIT_DOCUMENTS, TRAIT_PLAIN } from '@batchwright/scan';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf } from './params-check.ts';

/** Values that some rule cares about, beside any other JSON. */
const keys = fc.constantFrom(
  ...[
    'model',
    'messages',
    'max_tokens',
    'stream',
    'speed',
    'store',
    'betas',
    'temperature',
    'top_k',
    'system',
    'tools',
  ],
  ...['fallbacks', 'cache_control', 'cache_hint', 'thinking', 'foo', 'metadata'],
);
const text = fc.record({
  type: fc.constantFrom('text', 'document'),
  text: fc.string(),
  cache_control: fc.option(fc.record({ type: fc.constant('ephemeral'), ttl: fc.constantFrom('5m', '1h', '2h') })),
  citations: fc.option(fc.array(fc.record({ cited_text: fc.string() }), { maxLength: 1 })),
});
const message = fc.record({
  role: fc.constantFrom('user', 'assistant'),
  content: fc.oneof(fc.string(), fc.array(text, { maxLength: 6 })),
});
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.array(message, { maxLength: 3 }),
  fc.constantFrom(true, false, 0, 1, -1, 1.5, 1e3, 'fast', 'standard', 'active', null),
);
const params = fc.oneof(
  fc.dictionary(keys, value, { maxKeys: 8 }),
  fc.record(
    {
      model: fc.string(),
      max_tokens: fc.integer({ min: -1, max: 9 }),
      messages: fc.array(message),
      stream: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
);

describe('refusalOf', () => {
  it('says exactly what the full rules say, whichever way it took', () => {
    fc.assert(
      fc.property(params, fc.constantFrom('2023-06-01' as const, '2026-10-21' as const), (value, version) => {
        const bytes = Buffer.from(JSON.stringify(value));
        expect(refusalOf(bytes, version, 0)).toEqual(batchRefusal(JSON.parse(bytes.toString()), version));
      }),
      { numRuns: 3000 },
    );
  });

  it('counts the last of a key given twice', () => {
    const doubled = '{"model":"m","messages":[],"max_tokens":5,"max_tokens":0}';
    expect(refusalOf(Buffer.from(doubled), '2023-06-01', 0)?.message).toContain('max_tokens');
  });

  it('sees through an escaped key', () => {
    const escaped = '{"model":"m","messages":[],"max_tokens":5,"str\\u0065am":true}';
    expect(refusalOf(Buffer.from(escaped), '2023-06-01', 0)?.message).toContain('stream=True');
  });

  it('does not look at params that intake has found plain, but for what only one version refuses', () => {
    // No params at all, which any look would throw at.
    const unread = new Uint8Array(0);
    expect(refusalOf(unread, '2023-06-01', TRAIT_PLAIN | TRAIT_DOCUMENTS)).toBeNull();
    expect(refusalOf(unread, '2026-10-21', TRAIT_PLAIN)).toBeNull();
    expect(() => refusalOf(unread, '2026-10-21', TRAIT_PLAIN | TRAIT_DOCUMENTS)).toThrow(SyntaxError);
    expect(() => refusalOf(unread, '2023-06-01', TRAIT_DOCUMENTS)).toThrow(SyntaxError);
  });
});
