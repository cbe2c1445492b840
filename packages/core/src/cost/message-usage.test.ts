import { describe, expect, it } from 'vitest';
import { noUse, usageOf } from './message-usage.ts';

const written = (usage: object): readonly [number, number] => {
  const { write5mTokens, write1hTokens } = usageOf('m', usage);
  return [write5mTokens, write1hTokens];
};
const apart = (short: number, long: number) => ({
  cache_creation: { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long },
});

describe('what a message used', () => {
  it('is what it says', () => {
    const usage = {
      input_tokens: 1,
      output_tokens: 2,
      cache_creation_input_tokens: 30,
      cache_read_input_tokens: 400,
      ...apart(10, 20),
      inference_geo: 'us',
    };
    expect(usageOf('claude-opus-5', usage)).toEqual({
      model: 'claude-opus-5',
      inferenceGeo: 'us',
      inputTokens: 1,
      outputTokens: 2,
      write5mTokens: 10,
      write1hTokens: 20,
      readTokens: 400,
    });
  });

  it('is written for five minutes unless told apart', () => {
    expect(written({ cache_creation_input_tokens: 30 })).toEqual([30, 0]);
    expect(written({ cache_creation_input_tokens: 30, cache_creation: null })).toEqual([30, 0]);
    expect(written(apart(10, 20))).toEqual([10, 20]);
  });

  it('never adds up to more than it says in all', () => {
    expect(written({ cache_creation_input_tokens: 30, ...apart(0, 40) })).toEqual([0, 30]);
    expect(written({ cache_creation_input_tokens: 30, ...apart(1, 1) })).toEqual([29, 1]);
  });

  it.each([null, 'x', -1, Number.NaN, 1e300, {}, undefined])('takes %s for no tokens', (value) => {
    expect(usageOf('m', { input_tokens: value })).toEqual(noUse('m'));
  });

  it.each([null, undefined, 3, 'usage'])('is nothing where the usage is %s', (usage) => {
    expect(usageOf(null, usage)).toEqual(noUse(''));
  });
});
