import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchRefusal } from './batch-refusal.ts';
import { validateParams } from './validate-params.ts';

const known = fc.constantFrom(
  'model',
  'max_tokens',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'cache_control',
  'content',
  'source',
  'role',
  'type',
  'text',
  'ttl',
  'output_config',
  'stop_sequences',
  'temperature',
  'betas',
  '__proto__',
  'constructor',
);
const leaf = fc.oneof(
  fc.constantFrom(
    'user',
    'assistant',
    'text',
    'document',
    'tool_result',
    'ephemeral',
    'enabled',
    'any',
    'claude-haiku-4-5',
    '',
  ),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true }),
);
/** JSON that is nearly params: known names everywhere, in every wrong place. */
const nearlyParams = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(known, tie('value'), { maxKeys: 6 }),
  ),
})).value;
/** The same under a sound frame, so that the rules past the first are reached. */
const nearlySound = fc.record({
  model: fc.constantFrom('claude-haiku-4-5', 'claude-opus-5-5'),
  max_tokens: fc.nat(3),
  messages: fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content: nearlyParams }), {
    maxLength: 3,
  }),
  system: nearlyParams,
  tools: fc.array(nearlyParams, { maxLength: 2 }),
});
const params = fc.oneof(nearlyParams, nearlySound);
const versions = fc.constantFrom('2023-06-01' as const, '2026-10-21' as const);
const surfaces = fc.constantFrom('sync' as const, 'batch' as const, 'count_tokens' as const);

test('any JSON value gets a verdict in the envelope of the API, and never an exception', () => {
  fc.assert(
    fc.property(params, versions, surfaces, (params, version, surface) => {
      const error = validateParams(params, { surface, version, betas: [] });
      if (error === null) return;
      expect(error.message).not.toBe('');
      expect(error.message).not.toContain('undefined');
    }),
    { numRuns: 3000 },
  );
});

test('what a batch server refuses by itself is refused in full for the same reason', () => {
  fc.assert(
    fc.property(params, versions, (params, version) => {
      const refusal = batchRefusal(params, version);
      fc.pre(refusal !== null);
      expect(validateParams(params, { surface: 'batch', version, betas: [] })).toEqual(refusal);
    }),
    { numRuns: 2000 },
  );
});
