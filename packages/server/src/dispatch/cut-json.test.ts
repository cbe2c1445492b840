import { describe, expect, it } from 'vitest';
import { closeCutJson } from './cut-json.ts';

describe('closeCutJson', () => {
  it.each([
    ['{"a":[1,"b', '{"a":[1]}'],
    ['{"a":[1,2', '{"a":[1]}'],
    ['{"a":{"b"', '{"a":{}}'],
    ['{"a":{"b":', '{"a":{}}'],
    ['{"a":"x","b":"\\"', '{"a":"x"}'],
    ['{"a":"x","b":"\\\\"', '{"a":"x","b":"\\\\"}'],
    ['{"a":true', '{"a":true}'],
    ['{"a":tru', '{}'],
    ['{"a":-1.5e', '{}'],
    ['{"a":1.0 ,', '{"a":1.0}'],
    ['[[], [', '[[], []]'],
    ['{', '{}'],
  ])('keeps what is whole of %s', (text, closed) => {
    expect(closeCutJson(text)).toBe(closed);
  });

  it.each(['', ' ', '"a', 'tr', '{]', '}', '{"a":x', '{"a":1-', '{"a" 1,', '{a', '[1 2,'])('refuses %j', (text) => {
    expect(closeCutJson(text)).toBeNull();
  });
});
