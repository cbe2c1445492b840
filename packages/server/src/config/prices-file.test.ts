import { modelTable, PUBLISHED_MODELS, UNKNOWN_MODELS } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { readPrices } from './prices-file.ts';

const PATH = '/etc/prices.json';
const WHOLE = { input: 0.5, write_5m: 0.625, write_1h: 1, read: 0.05, output: 1.5, minimum_cache_tokens: 256 };

function read(content: unknown, base = PUBLISHED_MODELS) {
  const faults: string[] = [];
  const text = typeof content === 'string' || content === null ? content : JSON.stringify(content);
  const { models } = readPrices(PATH, text, base, faults);
  return { models, faults };
}

const prices = (content: unknown) => read(content).models[0]?.prices;

describe('a prices file', () => {
  it('has dollars per million tokens, which are whole nano-dollars a token', () => {
    expect(read({ 'my-model': WHOLE })).toEqual({
      faults: [],
      models: [
        {
          name: 'my-model',
          isPrefix: false,
          prices: { input: 500, write5m: 625, write1h: 1000, read: 50, output: 1500 },
          minimumCacheTokens: 256,
        },
      ],
    });
  });

  it.each([
    [0, 0],
    [0.001, 1],
    [0.07, 70],
    [1.005, 1005],
    [18.753, 18_753],
    [999_999.999, 999_999_999],
    [1_000_000, 1_000_000_000],
  ])('reads $%f a million as %i nano-dollars a token', (dollars, nanoUsd) => {
    expect(prices({ m: { input: dollars, output: 1 } })).toEqual({ input: nanoUsd, output: 1000 });
  });

  it('reads every thousandth of a dollar, whatever its double', () => {
    for (let nanoUsd = 0; nanoUsd < 20_000; nanoUsd++) {
      expect(prices({ m: { input: Number(`${nanoUsd / 1000}`), output: 1 } })?.input).toBe(nanoUsd);
    }
  });

  it('names models by their beginning too', () => {
    const { models } = read({ 'qwen-*': { input: 1, output: 2 } });
    expect(models).toMatchObject([{ name: 'qwen-', isPrefix: true }]);
    expect(modelTable(UNKNOWN_MODELS, models).findPrices('qwen-7b', 0, 0)).toMatchObject({ input: 1000, output: 2000 });
  });

  it('may say a part of what is published otherwise', () => {
    expect(
      read({ 'claude-sonnet-4-5': { read: 0.2 }, 'claude-opus-5': { minimum_cache_tokens: 2048 } }).faults,
    ).toEqual([]);
  });

  it('may be empty, and may name its schema', () => {
    expect(read({ $schema: 'https://example.com/prices' })).toEqual({ models: [], faults: [] });
  });
});

describe('what is wrong with a prices file is one line each', () => {
  it.each<[string, unknown, string]>([
    ['no file', null, 'the prices file /etc/prices.json does not exist. Create it, or unset prices.'],
    [
      'no JSON',
      '{"a":',
      'the prices file /etc/prices.json is not valid JSON. It must hold one JSON object, as in {"my-model": {"input": 0.5, "output": 1.5}}.',
    ],
    [
      'an array',
      '[]',
      'the prices file /etc/prices.json is JSON, but no object. It must hold one JSON object, as in {"my-model": {"input": 0.5, "output": 1.5}}.',
    ],
    [
      'a model that is no object',
      { m: 3 },
      '"m" in /etc/prices.json is 3, but must be an object, as in {"my-model": {"input": 0.5, "output": 1.5}}.',
    ],
    [
      'a mistyped key',
      { m: { ...WHOLE, outptu: 1 } },
      '"outptu" of "m" in /etc/prices.json is no key. Did you mean output?',
    ],
    [
      'a key nothing is near',
      { m: { ...WHOLE, xyzzy: 1 } },
      '"xyzzy" of "m" in /etc/prices.json is no key. It may be one of input, write_5m, write_1h, read, output, minimum_cache_tokens.',
    ],
    [
      'a key every object has',
      { m: { ...WHOLE, constructor: 1 } },
      '"constructor" of "m" in /etc/prices.json is no key. It may be one of input, write_5m, write_1h, read, output, minimum_cache_tokens.',
    ],
    ...[-1, '0.5', 0.0005, 1_000_001, null].map((price): [string, unknown, string] => [
      `a price of ${JSON.stringify(price)}`,
      { m: { ...WHOLE, read: price } },
      `"read" of "m" in /etc/prices.json is ${JSON.stringify(price)}, but must be dollars per million tokens, from 0 to 1000000 and with at most three decimals. Example: 0.5`,
    ]),
    ...[0, 1.5, '1024', 10_000_001].map((minimum): [string, unknown, string] => [
      `a minimum of ${JSON.stringify(minimum)}`,
      { m: { ...WHOLE, minimum_cache_tokens: minimum } },
      `"minimum_cache_tokens" of "m" in /etc/prices.json is ${JSON.stringify(minimum)}, but must be a whole number from 1 to 10000000. Example: 1024`,
    ]),
    [
      'half of the prices of a model of which none is known',
      { m: { input: 1, read: 0.1 } },
      '"m" in /etc/prices.json has prices, but none for output, of which nothing else is known. Give both input and output.',
    ],
    [
      'half of the prices of all that begin alike',
      { 'claude-*': { read: 0.1 } },
      '"claude-*" in /etc/prices.json has prices, but none for input and output, of which nothing else is known. Give both input and output.',
    ],
    ['no name', { '': WHOLE }, '"" in /etc/prices.json is no model\'s name. Name one, or "*" for all.'],
    [
      'a star in the middle',
      { 'a*b': WHOLE },
      '"a*b" in /etc/prices.json has a * before its end. Only the last character may be one, as in "my-*".',
    ],
    [
      'more than a double holds',
      '{"m":{"input":1e400,"output":1}}',
      '"input" of "m" in /etc/prices.json is too large, but must be dollars per million tokens, from 0 to 1000000 and with at most three decimals. Example: 0.5',
    ],
    [
      'one model by two names',
      { 'claude-haiku-4-5': { read: 0.1 }, 'claude-haiku-4-5-20251001': { read: 0.2 } },
      '"claude-haiku-4-5" and "claude-haiku-4-5-20251001" in /etc/prices.json are names of one model. Keep one of them.',
    ],
  ])('%s', (_, content, line) => {
    expect(read(content).faults).toEqual([line]);
  });

  it('a part of what is published is no price where the upstream takes no money', () => {
    expect(read({ 'claude-sonnet-4-5': { read: 0.2 } }, UNKNOWN_MODELS).faults).toHaveLength(1);
  });
});

describe('the option', () => {
  const load = (env: Readonly<Record<string, string>>, files: Readonly<Record<string, unknown>>) =>
    loadConfig({
      args: [],
      env,
      cwd: '/home/me',
      readFile: (path) => (files[path] === undefined ? null : JSON.stringify(files[path])),
    });

  it('reads the file it names, from the working directory or that of the config file', () => {
    const file = { m: { input: 1, output: 1 } };
    expect(load({ BATCHWRIGHT_PRICES: 'p.json' }, { '/home/me/p.json': file })).toMatchObject({
      type: 'loaded',
      config: { prices: { path: '/home/me/p.json', models: [{ name: 'm' }] } },
    });
    const files = { '/etc/bw/c.json': { prices: 'p.json' }, '/etc/bw/p.json': file };
    expect(load({ BATCHWRIGHT_CONFIG: '/etc/bw/c.json' }, files)).toMatchObject({
      config: { prices: { path: '/etc/bw/p.json' } },
    });
  });

  it('ends the start for what is wrong with the file', () => {
    expect(load({ BATCHWRIGHT_PRICES: '/p.json' }, { '/p.json': { m: { input: 1 } } })).toMatchObject({
      type: 'invalid',
      lines: [expect.stringContaining('Give both input and output.')],
    });
  });

  it('knows by the profile whether the upstream takes money', () => {
    const files = { '/p.json': { 'claude-sonnet-4-5': { read: 0.2 } } };
    expect(load({ BATCHWRIGHT_PRICES: '/p.json' }, files).type).toBe('loaded');
    const own = { BATCHWRIGHT_PRICES: '/p.json', BATCHWRIGHT_UPSTREAM_PROFILE: 'vllm' };
    expect(load(own, files).type).toBe('invalid');
  });
});
