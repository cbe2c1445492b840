import { describe, expect, test } from 'vitest';
import { saltsOf, type SaltedBy, type Salts } from './salts.ts';

const TIERS = ['tools', 'system', 'messages'] as const;
const PLAIN: SaltedBy = { betas: [], hasImages: false, thinkingSaltsMessages: false };
const base = { tools: [{ name: 'a' }], messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] };

/** The tiers whose salt a change of params, or of what else salts, changes. */
function changed(changes: object, by: Partial<SaltedBy> = {}): readonly string[] {
  const before: Salts = saltsOf(base, { ...PLAIN, thinkingSaltsMessages: by.thinkingSaltsMessages === true });
  const after: Salts = saltsOf({ ...base, ...changes }, { ...PLAIN, ...by });
  return TIERS.filter((tier) => before[tier] !== after[tier]);
}

describe('what sets equal prompts apart', () => {
  const document = { type: 'document', citations: { enabled: true } };
  test.each([
    ['thinking', { thinking: { type: 'enabled', budget_tokens: 2000 } }, ['tools']],
    ['effort', { output_config: { effort: 'low' } }, ['tools']],
    ['the output format', { output_config: { format: { type: 'json_schema', schema: {} } } }, ['tools']],
    ['web search', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, ['system']],
    ['citations', { messages: [{ role: 'user', content: [document] }] }, ['system']],
    ['speed', { speed: 'fast' }, ['system']],
    ['a tool choice', { tool_choice: { type: 'none' } }, ['messages']],
    ['no parallel tools', { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }, ['messages']],
  ])('%s', (_, changes, tiers) => {
    expect(changed(changes)).toEqual(tiers);
  });

  test('images, and betas that change the prompt', () => {
    expect(changed({}, { hasImages: true })).toEqual(['messages']);
    expect(changed({}, { betas: ['interleaved-thinking-2025-05-14'] })).toEqual(['tools']);
  });

  test('thinking and effort from the messages on, on models that are so', () => {
    const changes = { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } };
    expect(changed(changes, { thinkingSaltsMessages: true })).toEqual(['messages']);
  });
});

test.each([
  ['the usual effort', { output_config: { effort: 'high' } }],
  ['the usual tool choice', { tool_choice: { type: 'auto' } }],
  ['the usual speed', { speed: 'standard' }],
  ['how long and how varied the answer may be', { max_tokens: 7, temperature: 1, stop_sequences: ['x'] }],
  ['who asks', { metadata: { user_id: 'x' } }],
  ['markers', { cache_control: { type: 'ephemeral' } }],
])('nothing is set apart by %s', (_, changes) => {
  expect(changed(changes)).toEqual([]);
});

test('betas that leave the prompt alone, and their order, set nothing apart', () => {
  const betas = ['interleaved-thinking-2025-05-14', 'skills-2025-10-02'];
  const salted = (list: readonly string[]): Salts => saltsOf(base, { ...PLAIN, betas: list });
  expect(salted(['message-batches-2024-09-24'])).toEqual(salted([]));
  expect(salted([...betas].reverse())).toEqual(salted(betas));
});
