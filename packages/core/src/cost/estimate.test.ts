import { describe, expect, it } from 'vitest';
import { documentsAndQuestions, type Block } from '../prefix/prompts.fixture.ts';
import { billOf } from './bill.ts';
import { estimated, SONNET_4_5, SONNET_5_5, type EstimateCase } from './estimate.fixture.ts';
import { USUAL_ANSWER_TOKENS, type BatchEstimate } from './estimate.ts';
import { largestSavings } from './prefix-savings.ts';

const estimate = (given: EstimateCase): BatchEstimate => estimated(given).estimate;

/** What is likely to be paid in nano-dollars: as planned, uncached, with plain markers, by the warm-up recipe. */
function expectedCosts(given: EstimateCase): readonly (number | undefined)[] {
  const { nanoUsd, against } = estimate(given);
  const { noCaching, plainMarkers, warmUpRecipe } = against;
  return [nanoUsd, noCaching.nanoUsd, plainMarkers?.nanoUsd, warmUpRecipe?.nanoUsd].map((span) => span?.expected);
}

const synchronous = { isBatch: false } as const;

describe('three questions about one document of 1,248 tokens', () => {
  const prompts = documentsAndQuestions(1, 3, { document: 1248, question: 12 }, '5m');

  it('in tokens', () => {
    const { tokens, against, requests } = estimate({ prompts });
    expect(requests).toBe(3);
    expect(tokens).toEqual({
      written5m: 1248,
      written1h: 0,
      read: 2496,
      input: 36,
      output: { low: 3, expected: 900, high: 3072 },
    });
    expect(against.noCaching.tokens).toMatchObject({ written5m: 0, read: 0, input: 3780 });
    expect(against.plainMarkers?.tokens).toMatchObject({ written5m: 3744, read: 0, input: 36 });
    expect(against.warmUpRecipe?.tokens).toMatchObject({ written5m: 4992, read: 0, input: 36 });
    expect(against.warmUpRecipe?.tokens.output).toEqual({ low: 4, expected: 901, high: 3073 });
  });

  it('in nano-dollars', () => {
    expect(expectedCosts({ prompts })).toEqual([9_518_400, 12_420_000, 13_824_000, 18_519_000]);
    expect(expectedCosts({ prompts, terms: synchronous })).toEqual([19_036_800, 24_840_000, 27_648_000, 32_343_000]);
  });

  it('costs least when answers are one token long, and most when they are as long as they may be', () => {
    const { nanoUsd } = estimate({ prompts });
    expect(nanoUsd).toEqual({ low: 2_790_900, expected: 9_518_400, high: 25_808_400 });
  });

  it('and markers that are added cost what the client’s would', () => {
    const unmarked = documentsAndQuestions(1, 3, { document: 1248, question: 12 });
    const added = estimate({ prompts: unmarked, terms: { markers: 'auto' } });
    expect(added).toEqual(estimate({ prompts }));
    expect(expectedCosts({ prompts: unmarked })).toEqual([12_420_000, 12_420_000, 12_420_000, 12_420_000]);
    expect(expectedCosts({ prompts, terms: { markers: 'off' } })).toEqual(Array(4).fill(12_420_000));
  });
});

it('ten documents of 20,000 tokens with a hundred questions each', () => {
  const prompts = documentsAndQuestions(10, 100, { document: 20_000, question: 50 }, '5m');
  expect(estimate({ prompts }).tokens).toEqual({
    written5m: 200_000,
    written1h: 0,
    read: 19_800_000,
    input: 50_000,
    output: { low: 1000, expected: 300_000, high: 1_024_000 },
  });
  expect(expectedCosts({ prompts })).toEqual([5_670_000_000, 32_325_000_000, 39_825_000_000, 40_575_150_000]);
});

describe('a thousand prompts that share nothing', () => {
  const own = (mark?: '5m'): Block[][] =>
    Array.from({ length: 1000 }, (_, i) => [
      { text: `text ${i}`, tokens: 5000, mark },
      { text: 'question', tokens: 50 },
    ]);

  it('cost the same however they are sent, without markers', () => {
    for (const markers of ['respect', 'auto', 'off'] as const) {
      expect(expectedCosts({ prompts: own(), terms: { markers } })).toEqual(Array(4).fill(9_825_000_000));
    }
  });

  it('cost 19 % more with them, and more still with a warm-up call for each', () => {
    expect(estimate({ prompts: own('5m') }).tokens).toMatchObject({ written5m: 5_000_000, read: 0, input: 50_000 });
    expect(expectedCosts({ prompts: own('5m') })).toEqual([
      11_700_000_000, 9_825_000_000, 11_700_000_000, 30_465_000_000,
    ]);
    expect(expectedCosts({ prompts: own('5m'), terms: synchronous })).toEqual([
      23_400_000_000, 19_650_000_000, 23_400_000_000, 42_165_000_000,
    ]);
  });
});

describe('a shared prefix of 600 tokens', () => {
  const prompts = documentsAndQuestions(1, 500, { document: 600, question: 80 }, '5m');

  it('is not cached by a model that caches from 1,024 on', () => {
    expect(estimate({ prompts }).tokens).toMatchObject({ written5m: 0, read: 0, input: 340_000 });
    expect(expectedCosts({ prompts })).toEqual(Array(4).fill(1_635_000_000));
  });

  it('is by one that caches from 512 on', () => {
    const given = { prompts, model: () => SONNET_5_5 };
    expect(estimate(given).tokens).toMatchObject({ written5m: 600, read: 299_400, input: 40_000 });
    expect(expectedCosts(given).slice(0, 3)).toEqual([805_720_000, 1_090_000_000, 1_165_000_000]);
  });
});

it('what is kept for an hour is written at its own price', () => {
  const prompts = Array.from({ length: 3 }, (_, i): Block[] => [
    { text: 'system', tokens: 4000, mark: '1h' },
    { text: 'document', tokens: 20_000, mark: '5m' },
    { text: `question ${i}`, tokens: 50 },
  ]);
  const { tokens, against, nanoUsd } = estimate({ prompts });
  expect(tokens).toMatchObject({ written5m: 20_000, written1h: 4000, read: 48_000, input: 150 });
  expect(against.plainMarkers?.tokens).toMatchObject({ written5m: 60_000, written1h: 12_000, read: 0, input: 150 });
  expect(against.warmUpRecipe?.tokens).toMatchObject({ written5m: 80_000, written1h: 16_000 });
  // 4,000 at $6, 20,000 at $3.75, 48,000 at $0.30, 150 at $3 and 900 at $15; half of that.
  expect(nanoUsd?.expected).toBe(63_675_000);
});

describe('answers', () => {
  const given = (maxTokens: readonly number[], model = SONNET_4_5): EstimateCase => ({
    prompts: maxTokens.map((_, i) => [{ text: `${i}`, tokens: 10 }]),
    maxTokens,
    model: () => model,
  });
  const output = (...args: Parameters<typeof given>) => estimate(given(...args)).tokens.output;

  it('are no longer than they may be', () => {
    expect(output([50])).toEqual({ low: 1, expected: 50, high: 50 });
    expect(output([5000])).toEqual({ low: 1, expected: USUAL_ANSWER_TOKENS, high: 5000 });
    expect(output([50, 5000])).toEqual({ low: 2, expected: 350, high: 5050 });
  });

  it('are no longer than the model writes', () => {
    expect(output([100_000_000]).high).toBe(64_000);
    expect(output([100_000_000], SONNET_5_5).high).toBe(300_000);
    expect(output([100_000_000], 'my-model').high).toBe(1_000_000);
  });

  it('come to nothing where max_tokens is missing, since the request is refused', () => {
    expect(output([0])).toEqual({ low: 0, expected: 0, high: 0 });
  });
});

describe('models', () => {
  const prompts = Array.from({ length: 4 }, (_, i): Block[] => [{ text: `${i}`, tokens: 100 }]);

  it('are told apart by id, whatever alias was used, and sum to the whole', () => {
    const names = [SONNET_5_5, 'claude-sonnet-4-5', SONNET_4_5, 'claude-haiku-4-5'];
    const { models, nanoUsd } = estimate({ prompts, model: (r) => names[r] ?? '' });
    expect(models.map(({ model, requests, tokens }) => [model, requests, tokens.input])).toEqual([
      [SONNET_5_5, 1, 100],
      [SONNET_4_5, 2, 200],
      ['claude-haiku-4-5-20251001', 1, 100],
    ]);
    const spent = models.map((model) => model.nanoUsd?.expected ?? NaN);
    expect(spent.reduce((sum, amount) => sum + amount)).toBe(nanoUsd?.expected);
  });

  it('without a price have none, and neither has the whole; the others have theirs', () => {
    const { models, nanoUsd, against } = estimate({ prompts, model: (r) => (r === 0 ? 'my-model' : SONNET_5_5) });
    expect(models.map((model) => model.nanoUsd === null)).toEqual([true, false]);
    expect([nanoUsd, against.noCaching.nanoUsd, against.warmUpRecipe?.nanoUsd]).toEqual([null, null, null]);
  });

  it('cost nothing to say where the upstream has no prices', () => {
    const { models, nanoUsd, against } = estimate({ prompts, terms: { profile: 'ignored', isPriced: false } });
    expect([nanoUsd, models[0]?.nanoUsd, against.noCaching.nanoUsd]).toEqual([null, null, null]);
    expect([against.plainMarkers, against.warmUpRecipe]).toEqual([null, null]);
  });

  it('are billed request by request: a long prompt is dearer, and each bill is rounded', () => {
    const prompts = [99_999, 100_000, 100_001].map((tokens, i): Block[] => [
      { text: 'shared', tokens: 9999, mark: '5m' },
      { text: `${i}`, tokens: tokens - 9999 },
    ]);
    const model = 'claude-haiku-5-5';
    const terms = { atMs: Date.parse('2026-11-21T00:00:00Z'), isBatch: true };
    const none = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 300 };
    const bills = [
      billOf(model, { ...none, write5mTokens: 9999, inputTokens: 90_000 }, terms),
      billOf(model, { ...none, readTokens: 9999, inputTokens: 90_001 }, terms),
      billOf(model, { ...none, readTokens: 9999, inputTokens: 90_002 }, terms),
    ];
    const { nanoUsd } = estimate({ prompts, model: () => model });
    expect(nanoUsd?.expected).toBe(bills.reduce((sum: number, bill) => sum + (bill ?? NaN), 0));
  });
});

describe('the prefixes that save most', () => {
  const sizes = [2000, 9000, 4000];
  const prompts = sizes.flatMap((tokens, doc) =>
    Array.from({ length: 3 }, (_, i): Block[] => [
      { text: `document ${doc}`, tokens, mark: '5m' },
      { text: `question ${doc} ${i}`, tokens: 10 },
    ]),
  );

  it('come first, with what they save', () => {
    const { plan, terms } = estimated({ prompts });
    expect(largestSavings(plan, terms, 2)).toEqual([
      // 3 × 9,000 at $3, less one at $3.75 and two at $0.30; half of that.
      {
        model: 'claude-sonnet-4-5-20250929',
        tokens: 9000,
        ownTokens: 9000,
        requests: 3,
        block: 0,
        ttl: '5m',
        nanoUsd: 20_925_000,
      },
      expect.objectContaining({ tokens: 4000, nanoUsd: 9_300_000 }),
    ]);
    expect(largestSavings(plan, terms, 10).map(({ tokens }) => tokens)).toEqual([9000, 4000, 2000]);
  });

  it('count what they add to a shorter one', () => {
    const nested = ['a', 'b'].flatMap((doc) =>
      Array.from({ length: 5 }, (_, i): Block[] => [
        { text: 'system', tokens: 3000, mark: '1h' },
        { text: doc, tokens: 1000, mark: '1h' },
        { text: `${i}`, tokens: 10 },
      ]),
    );
    const { plan, terms } = estimated({ prompts: nested });
    expect(largestSavings(plan, terms, 10).map(({ ownTokens, tokens, ttl }) => [ownTokens, tokens, ttl])).toEqual([
      [3000, 3000, '1h'],
      [1000, 4000, '1h'],
      [1000, 4000, '1h'],
    ]);
  });

  it('are ranked by tokens where there are no prices', () => {
    const { plan, terms } = estimated({ prompts, terms: { profile: 'ignored', isPriced: false } });
    const found = largestSavings(plan, terms, 10);
    expect(found.map(({ tokens, nanoUsd, ttl }) => [tokens, nanoUsd, ttl])).toEqual([
      [9000, null, null],
      [4000, null, null],
      [2000, null, null],
    ]);
  });
});
