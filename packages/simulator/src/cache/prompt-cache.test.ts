import { describe, expect, test } from 'vitest';
import type { CacheOptions } from './cache-options.ts';
import { PromptCache, type CacheRequest, type CacheTurn } from './prompt-cache.ts';
import { promptOf } from './prompt-cache.fixture.ts';

const TTFT_MS = 1000;
const DURATION_MS = 20_000;

/** Starts requests at their moments, in order, each with its first byte and its end at theirs. */
function play(cache: PromptCache, calls: readonly (readonly [atMs: number, request: CacheRequest])[]): CacheTurn[] {
  const due: (readonly [atMs: number, action: () => void])[] = [];
  const runTo = (nowMs: number): void => {
    due.sort((a, b) => a[0] - b[0]);
    while (due[0] !== undefined && due[0][0] <= nowMs) due.shift()?.[1]();
  };
  const turns = calls.map(([atMs, request]) => {
    runTo(atMs);
    const turn = cache.look(request, atMs);
    cache.begin(turn);
    due.push([atMs + TTFT_MS, () => cache.firstByte(turn, atMs + TTFT_MS)]);
    due.push([atMs + DURATION_MS, () => cache.end(turn, atMs + DURATION_MS)]);
    return turn;
  });
  runTo(Infinity);
  return turns;
}

function readsAt(options: Partial<CacheOptions>, ...atMs: readonly number[]): readonly number[] {
  const doc = promptOf([
    ['doc', 2000, '5m'],
    ['q', 10],
  ]);
  return play(
    new PromptCache(options),
    atMs.map((at) => [at, doc]),
  ).map((turn) => turn.readTo);
}

describe('an entry can be read', () => {
  test('from the first byte of its writer', () => {
    expect(readsAt({}, 0, 999, 1000)).toEqual([0, 0, 2000]);
  });

  test('later by as much as the cache takes to be consistent', () => {
    expect(readsAt({ visibilityDelayMs: 2000 }, 0, 2999, 3000)).toEqual([0, 0, 2000]);
  });

  test('from the end of its writer', () => {
    expect(readsAt({ visibility: 'completion' }, 0, 19_999, 20_000)).toEqual([0, 0, 2000]);
  });

  test('from the start of its writer', () => {
    expect(readsAt({ visibility: 'allocation' }, 0, 0, 1)).toEqual([0, 2000, 2000]);
  });

  test('from the earlier first byte of two writers', () => {
    expect(readsAt({}, 0, 900, 1000, 1900)).toEqual([0, 0, 2000, 2000]);
  });
});

test.each(['first_byte', 'completion', 'allocation'] as const)(
  'a writer that fails before its first byte leaves nothing: %s',
  (visibility) => {
    const cache = new PromptCache({ visibility });
    const doc = promptOf([
      ['doc', 2000, '5m'],
      ['q', 10],
    ]);
    const failed = cache.look(doc, 0);
    cache.begin(failed);
    cache.abandon(failed);
    expect(cache.entries(1)).toEqual([]);
    expect(
      play(cache, [
        [2000, doc],
        [30_000, doc],
      ]).map((turn) => turn.readTo),
    ).toEqual([0, 2000]);
  },
);

describe('a reader under way', () => {
  const doc = promptOf([
    ['doc', 2000, '5m'],
    ['q', 10],
  ]);
  const readAfter = (finish: 'firstByte' | 'abandon', atMs: number): number => {
    const cache = new PromptCache();
    play(cache, [[0, doc]]);
    const reader = cache.look(doc, 299_000);
    cache.begin(reader);
    cache[finish](reader, 300_500);
    return cache.look(doc, atMs).readTo;
  };

  test('keeps the entry from its start on, also past the old end', () => {
    const cache = new PromptCache();
    play(cache, [[0, doc]]);
    cache.begin(cache.look(doc, 299_000));
    expect([cache.look(doc, 300_200).readTo, cache.look(doc, 599_000).readTo]).toEqual([2000, 0]);
  });

  test('touched it at its start, or, if it fails before its first byte, not at all', () => {
    expect([readAfter('firstByte', 598_999), readAfter('firstByte', 599_000)]).toEqual([2000, 0]);
    expect(readAfter('abandon', 300_600)).toBe(0);
  });
});

describe('a hit keeps alive', () => {
  const deep = promptOf([
    ['system', 2000, '5m'],
    ['doc', 2000, '5m'],
    ['q', 10],
  ]);
  const shallow = promptOf([
    ['system', 2000, '5m'],
    ['another', 2000, '5m'],
    ['q', 10],
  ]);
  const readLater = (refresh: 'path' | 'exact'): number => {
    const cache = new PromptCache({ refresh });
    play(cache, [
      [0, deep],
      [200_000, deep],
    ]);
    return cache.look(shallow, 400_000).readTo;
  };

  test('the marked prefixes on its path, or only the one it read', () => {
    expect([readLater('path'), readLater('exact')]).toEqual([2000, 0]);
  });

  test('and never changes for how long', () => {
    const cache = new PromptCache();
    const asFor = (ttl: '5m' | '1h'): CacheRequest =>
      promptOf([
        ['doc', 2000, ttl],
        ['q', 10],
      ]);
    play(cache, [
      [0, asFor('5m')],
      [100_000, asFor('1h')],
    ]);
    expect(cache.entries(200_000)).toMatchObject([{ ttl: '5m', expiresAtMs: 400_000 }]);
    expect(cache.look(asFor('1h'), 400_000).readTo).toBe(0);
  });
});

test('a marker within what was read gets an entry of its own, for nothing', () => {
  const cache = new PromptCache();
  const whole = promptOf([
    ['system', 2000],
    ['doc', 2000, '5m'],
    ['q', 10],
  ]);
  const both = promptOf([
    ['system', 2000, '5m'],
    ['doc', 2000, '5m'],
    ['q', 10],
  ]);
  const [, second] = play(cache, [
    [0, whole],
    [30_000, both],
  ]);
  expect(second?.bill).toEqual({ inputTokens: 10, write5mTokens: 0, write1hTokens: 0, readTokens: 4000 });
  expect(
    cache
      .entries(60_000)
      .map((entry) => entry.tokens)
      .sort(),
  ).toEqual([2000, 4000]);
});

test('the bill has three positions: read, written for an hour, written for 5 minutes', () => {
  const cache = new PromptCache();
  const ask = (...names: readonly string[]): CacheRequest =>
    promptOf([
      [names[0]!, 6000, '1h'],
      [names[1]!, 9000, '5m'],
      ['q', 40],
    ]);
  const turns = play(cache, [
    [0, ask('a', 'b')],
    [30_000, ask('a', 'b')],
    [60_000, ask('a', 'c')],
  ]);
  expect(turns.map(({ readTo, longTo, markedTo }) => [readTo, longTo, markedTo])).toEqual([
    [0, 6000, 15_000],
    [15_000, 15_000, 15_000],
    [6000, 6000, 15_000],
  ]);
});

describe('items of a native batch', () => {
  const item = (batch: string | null): CacheRequest =>
    promptOf(
      [
        ['doc', 2000, '5m'],
        ['q', 10],
      ],
      { batch },
    );

  test('do not read what their own batch wrote; later batches do', () => {
    const turns = play(new PromptCache(), [
      [0, item('x')],
      [30_000, item('x')],
      [60_000, item('y')],
    ]);
    expect(turns.map(({ readTo, miss }) => [readTo, miss])).toEqual([
      [0, 'cold'],
      [0, 'scope'],
      [2000, 'none'],
    ]);
  });

  test('do once another batch wrote it too, or where batches are not isolated', () => {
    const cache = new PromptCache();
    const turns = play(cache, [
      [0, item('x')],
      [0, item('y')],
      [30_000, item('x')],
    ]);
    expect(turns.map(({ readTo }) => readTo)).toEqual([0, 0, 2000]);
    const visible = play(new PromptCache({ intraBatch: 'visible' }), [
      [0, item('x')],
      [30_000, item('x')],
    ]);
    expect(visible.map(({ readTo }) => readTo)).toEqual([0, 2000]);
  });
});

describe('a lossy cache', () => {
  const doc = promptOf([
    ['doc', 2000, '5m'],
    ['q', 10],
  ]);
  const run = (seed: number): readonly CacheTurn[] =>
    play(
      new PromptCache({ lossy: 0.2 }, seed),
      Array.from({ length: 2000 }, (_, i) => [i * 100, doc] as const),
    ).slice(20);

  test('misses its share of reads, the same ones for the same seed, and writes again what it missed', () => {
    const lost = run(1).filter(({ miss }) => miss === 'lossy');
    expect(lost.length / 1980).toBeGreaterThan(0.16);
    expect(lost.length / 1980).toBeLessThan(0.24);
    expect(lost.every(({ bill }) => bill.write5mTokens === 2000)).toBe(true);
    expect(run(1).map(({ miss }) => miss)).toEqual(run(1).map(({ miss }) => miss));
    expect(run(1).map(({ miss }) => miss)).not.toEqual(run(2).map(({ miss }) => miss));
  });
});

describe('a miss is explained', () => {
  const contents = [71, 72];
  const doc = (changes: Partial<CacheRequest> = {}): CacheRequest =>
    promptOf(
      [
        ['doc', 2000, '5m'],
        ['q', 10],
      ],
      { contents, ...changes },
    );

  test('as expired also once the entry itself is forgotten', () => {
    const cache = new PromptCache();
    play(cache, [[0, doc()]]);
    for (let i = 0; i < 3000; i++) write(cache, `other ${i}`, 400_000);
    expect(cache.size).toBe(3000);
    expect(cache.look(doc(), 430_000).miss).toBe('expired');
  });

  test.each([
    ['salt', { hashes: [8_000_001, 8_000_002] }],
    ['scope', { scope: 'b' }],
    ['cold', { hashes: [8_000_003, 8_000_004], contents: [81, 82] }],
    ['below_min', { minimumTokens: 2001 }],
    ['none', { markers: [] }],
  ] as const)('%s', (miss, changes) => {
    const cache = new PromptCache();
    play(cache, [[0, doc()]]);
    expect(cache.look(doc(changes), 10_000).miss).toBe(miss);
  });
});

test('entries that have expired are dropped', () => {
  const cache = new PromptCache();
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 1000; i++) write(cache, `${round} ${i}`, round * 600_000);
  }
  expect(cache.size).toBeLessThan(4000);
  expect(cache.entries(50 * 600_000)).toEqual([]);
});

/** A request over in no time. */
function write(cache: PromptCache, name: string, atMs: number): void {
  const turn = cache.look(promptOf([[name, 2000, '5m']]), atMs);
  cache.begin(turn);
  cache.firstByte(turn, atMs);
  cache.end(turn, atMs);
}
