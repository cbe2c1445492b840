import { describe, expect, it } from 'vitest';
import { documentsAndQuestions, type Block } from '../prefix/prompts.fixture.ts';
import { estimated, SONNET_4_5, SONNET_5_5, type EstimateCase } from './estimate.fixture.ts';
import { estimateWarnings, warningText, type EstimateWarning, type ServerPace } from './estimate-warnings.ts';

const PACE: ServerPace = { concurrency: 10, durationMs: 20_000, ttlMs: 300_000 };

function warnings(given: EstimateCase, pace: Partial<ServerPace> = {}): readonly EstimateWarning[] {
  return estimateWarnings(estimated(given), { ...PACE, ...pace });
}

const codes = (...args: Parameters<typeof warnings>): readonly string[] => warnings(...args).map(({ code }) => code);
const texts = (...args: Parameters<typeof warnings>): readonly string[] => warnings(...args).map(warningText);

const marked = documentsAndQuestions(1, 5, { document: 2000, question: 10 }, '5m');
const unmarked = documentsAndQuestions(1, 5, { document: 2000, question: 10 });

it('of a batch that is as it should be there is nothing to say', () => {
  expect(warnings({ prompts: marked })).toEqual([]);
  expect(warnings({ prompts: unmarked, terms: { markers: 'auto' } })).toEqual([]);
});

describe('prefix_below_minimum', () => {
  const short = (tokens: number, mark?: '5m'): Block[][] =>
    documentsAndQuestions(1, 5, { document: tokens, question: 10 }, mark);

  it('says what is shared, and what the model caches from', () => {
    expect(warnings({ prompts: short(600, '5m') })).toEqual([
      {
        code: 'prefix_below_minimum',
        model: SONNET_4_5,
        tokens: 600,
        minimum: 1024,
        count: 5,
        examples: [0, 1, 2],
      },
    ]);
    expect(texts({ prompts: short(600, '5m') })).toEqual([
      `5 requests to ${SONNET_4_5} share at most 600 tokens (estimated) with others, and the model caches prefixes from ` +
        '1024 tokens on: nothing is cached. Share more, or use a model with a lower minimum.',
    ]);
  });

  it('not where the prefix is as long as the minimum, or the model’s is lower', () => {
    expect(codes({ prompts: short(1024, '5m') })).toEqual([]);
    expect(codes({ prompts: short(600, '5m'), model: () => SONNET_5_5 })).toEqual([]);
  });

  it('nor where a longer shared prefix is marked as well', () => {
    const prompts = marked.map((prompt): Block[] => [{ text: 'system', tokens: 50, mark: '5m' }, ...prompt]);
    expect(codes({ prompts })).toEqual([]);
  });

  it('for prompts without markers when half the minimum is shared, and not for a common greeting', () => {
    expect(codes({ prompts: short(512) })).toEqual(['prefix_below_minimum']);
    expect(codes({ prompts: short(511) })).toEqual([]);
    expect(codes({ prompts: short(512), terms: { markers: 'auto' } })).toEqual(['prefix_below_minimum']);
  });

  it('once for each model', () => {
    const models = [SONNET_4_5, 'claude-haiku-4-5-20251001'];
    const found = warnings({ prompts: [...short(600, '5m'), ...short(600, '5m')], model: (r) => models[r % 2] ?? '' });
    expect(found).toMatchObject([
      { model: models[0], count: 5, minimum: 1024 },
      { model: models[1], count: 5, minimum: 4096 },
    ]);
  });

  it('not where markers are taken out or not heeded', () => {
    expect(codes({ prompts: short(600, '5m'), terms: { markers: 'off' } })).toEqual([]);
    expect(codes({ prompts: short(600, '5m'), terms: { profile: 'ignored', isPriced: false } })).toEqual([]);
  });
});

describe('marker_on_varying_block', () => {
  const onQuestion = (mark: '5m' | '1h'): Block[][] =>
    unmarked.map(([document, question]): Block[] => [document as Block, { ...(question as Block), mark }]);

  it('says what is written for nobody', () => {
    const found = warnings({ prompts: onQuestion('5m') });
    expect(found).toEqual([{ code: 'marker_on_varying_block', tokens: 10_050, count: 5, examples: [0, 1, 2] }]);
    expect(found.map(warningText)).toEqual([
      '5 requests mark a block that no other request of the batch has: 10050 tokens are written to the cache, dearer ' +
        'than plain input, and read by none. Put cache_control on the last block that requests have in common.',
    ]);
  });

  it('counts only what lies behind what is shared', () => {
    const both = onQuestion('5m').map(([document, question]) => [{ ...(document as Block), mark: '5m' }, question]);
    expect(warnings({ prompts: both as Block[][] })).toMatchObject([
      { code: 'marker_on_varying_block', tokens: 50, count: 5 },
    ]);
  });

  it('under auto too, where the client’s markers stay', () => {
    expect(warnings({ prompts: onQuestion('5m'), terms: { markers: 'auto' } })).toMatchObject([
      { code: 'marker_on_varying_block', tokens: 50 },
    ]);
  });

  it('not where the prompt is too short to be cached, nor where another request has it', () => {
    expect(codes({ prompts: [[{ text: 'alone', tokens: 100, mark: '5m' }]] })).toEqual([]);
    expect(codes({ prompts: marked })).toEqual([]);
    expect(codes({ prompts: onQuestion('5m'), terms: { markers: 'off' } })).toEqual([]);
  });
});

describe('tool_order_differs', () => {
  const tools = (...names: readonly string[]): Block[] => names.map((text) => ({ text, tokens: 10 }));
  const given = (orders: readonly (readonly Block[])[], toolSet: readonly number[]): EstimateCase => ({
    prompts: orders.map((order, i) => [...order, { text: `question ${i}`, tokens: 5 }]),
    notes: { toolCount: Uint16Array.from(orders, (order) => order.length), toolSet: Float64Array.from(toolSet) },
  });
  const [ab, ba] = [tools('a', 'b'), tools('b', 'a')];

  it('names those that are not as most are', () => {
    const found = warnings(given([ab, ba, ab, ab, ba], [7, 7, 7, 7, 7]));
    expect(found).toEqual([{ code: 'tool_order_differs', count: 2, examples: [1, 4] }]);
    expect(found.map(warningText)).toEqual([
      '2 requests list the same tools as others in another order. Prompts begin with their tools, so nothing is shared ' +
        'with the others. List tools in one order.',
    ]);
  });

  it('not where the order is the same, the sets differ, or there is one tool', () => {
    expect(codes(given([ab, ab], [7, 7]))).toEqual([]);
    expect(codes(given([ab, tools('a', 'c')], [7, 8]))).toEqual([]);
    expect(codes(given([tools('a'), tools('b')], [7, 7]))).toEqual([]);
  });
});

describe('ttl_too_short', () => {
  const slow = { concurrency: 1, durationMs: 400_000 };

  it('says how far apart the requests of a prefix start', () => {
    const found = warnings({ prompts: marked }, slow);
    expect(found).toEqual([{ code: 'ttl_too_short', gapMs: 400_000, ttlMs: 300_000, count: 5, examples: [0, 1, 2] }]);
    expect(found.map(warningText)).toEqual([
      "5 requests share prefixes that are kept for 300 seconds, and at this server's pace start 400 seconds apart on " +
        'average: prefixes are gone by then, and written again. Mark them with "ttl": "1h", or raise the server\'s ' +
        'concurrency.',
    ]);
  });

  it('not where enough calls run at once, or are short', () => {
    expect(codes({ prompts: marked }, { concurrency: 2, durationMs: 400_000 })).toEqual([]);
    expect(codes({ prompts: marked }, { concurrency: 1, durationMs: 300_000 })).toEqual([]);
  });

  it('nor where all can start at once, an hour is asked for already, or would not pay', () => {
    const late = { concurrency: 5, durationMs: 5 * 400_000 };
    expect(codes({ prompts: marked }, late)).toEqual([]);
    expect(codes({ prompts: documentsAndQuestions(1, 6, { document: 2000, question: 10 }, '5m') }, late)).toEqual([
      'ttl_too_short',
    ]);
    const hour = documentsAndQuestions(1, 5, { document: 2000, question: 10 }, '1h');
    expect(codes({ prompts: hour }, slow)).toEqual([]);
    expect(codes({ prompts: marked.slice(0, 2) }, slow)).toEqual([]);
  });

  it('nor where entries live until they are evicted', () => {
    expect(codes({ prompts: marked }, { ...slow, ttlMs: null })).toEqual([]);
  });
});

describe('unknown_model_price', () => {
  const names = ['my-model', SONNET_4_5, '', 'my-model', SONNET_4_5];

  it('names each model', () => {
    const prompts = names.map((_, i): Block[] => [{ text: `${i}`, tokens: 2000 }]);
    const found = warnings({ prompts, model: (r) => names[r] ?? '' });
    expect(found).toMatchObject([
      { code: 'unknown_model_price', model: 'my-model', count: 2, examples: [0, 3] },
      { code: 'unknown_model_price', model: '', count: 1, examples: [2] },
    ]);
    expect(found.map(warningText)).toEqual([
      'No price is known for my-model: 2 requests are counted in tokens alone. State its price with the ' +
        "server's option prices, or use a model with a known one.",
      'No price is known for a model that is missing or unreadable: 1 request is counted in tokens alone. State its price ' +
        "with the server's option prices, or use a model with a known one.",
    ]);
  });

  it('not where the upstream has no prices', () => {
    const terms = { profile: 'ignored', isPriced: false } as const;
    expect(codes({ prompts: marked, model: (r) => names[r] ?? '', terms })).toEqual([]);
  });
});

describe('no_markers', () => {
  it('says what markers would save', () => {
    const found = warnings({ prompts: unmarked });
    const asSent = estimated({ prompts: unmarked }).estimate.nanoUsd?.expected;
    const withMarkers = estimated({ prompts: unmarked, terms: { markers: 'auto' } }).estimate.nanoUsd?.expected;
    expect([asSent, withMarkers]).toEqual([26_325_000, 16_275_000]);
    expect(found).toEqual([
      { code: 'no_markers', readTokens: 8000, nanoUsd: { asSent, marked: withMarkers }, count: 5, examples: [0, 1, 2] },
    ]);
    expect(found.map(warningText)).toEqual([
      '5 requests carry no cache_control and share prefixes with others. With "markers": "auto" in batchwright-options ' +
        '8000 tokens more would be read from the cache, and the batch would cost about $0.01628 instead of $0.02633: ' +
        '$0.01005 less.',
    ]);
  });

  it('counts only those that have none', () => {
    const prompts = [...marked, ...documentsAndQuestions(1, 4, { document: 2000, question: 11 })].map(
      (prompt, i): Block[] => [{ ...(prompt[0] as Block), text: i < 5 ? 'marked' : 'not' }, prompt[1] as Block],
    );
    expect(warnings({ prompts })).toMatchObject([{ code: 'no_markers', count: 4, examples: [5, 6, 7] }]);
  });

  it('in tokens alone where a price is missing', () => {
    const found = warnings({ prompts: unmarked, model: () => 'my-model' });
    expect(found.at(-1)).toMatchObject({ code: 'no_markers', readTokens: 8000, nanoUsd: null });
    expect(found.map(warningText).at(-1)).toMatch(/8000 tokens more would be read from the cache\.$/);
  });

  it('not where nothing is shared, nor where markers are added or taken out already', () => {
    const own = unmarked.map((prompt, i): Block[] => [{ ...(prompt[0] as Block), text: `${i}` }, prompt[1] as Block]);
    expect(codes({ prompts: own })).toEqual([]);
    expect(codes({ prompts: unmarked, terms: { markers: 'off' } })).toEqual([]);
  });
});
