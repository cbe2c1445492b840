import { describe, expect, it } from 'vitest';
import { createPlanner } from './planner.ts';
import {
  batchLog,
  bodyText,
  expectedUsd,
  HOSTED,
  linesOfBody,
  membersOf,
  planned,
  type PlannedRun,
} from './planner.fixture.ts';
import { NO_LEADER, type Planner, type PlanTerms } from './planning.ts';
import { questionAbout, requestText } from './requests.fixture.ts';

/** A text of so many tokens, four bytes each, that begins with a name of its own. */
const textOfTokens = (tokens: number, name: string): string => `${name} `.padEnd(4 * tokens, 'x');

interface Grid {
  readonly documents: number;
  readonly questions: number;
  readonly tokens: { readonly system?: number; readonly document: number; readonly question: number };
}

function grid({ documents, questions, tokens }: Grid): readonly string[] {
  return Array.from({ length: documents * questions }, (_, i) => {
    const document = textOfTokens(tokens.document, `document ${Math.floor(i / questions)}`);
    const question = textOfTokens(tokens.question, `${i}?`);
    const system = tokens.system === undefined ? undefined : textOfTokens(tokens.system, 'system');
    return requestText(`r${i}`, questionAbout(document, question, system));
  });
}

/** What a grid costs; the number of waves is told too. */
async function costOf(given: Grid, terms: Partial<PlanTerms> = {}): Promise<{ usd: number; waves: number }> {
  const { batches } = await planned(grid(given), terms);
  return { usd: expectedUsd(batches), waves: Math.max(...batches.map(({ wave }) => wave)) + 1 };
}

/**
 * What a large grid costs: a document more costs always the same, and so does a question more on each; so four small grids
 * tell it exactly.
 */
async function costOfLarge({ documents, questions, tokens }: Grid, terms: Partial<PlanTerms> = {}) {
  const [d, q] = [3, 4];
  const at = (more: number, longer: number) => costOf({ documents: d + more, questions: q + longer, tokens }, terms);
  const [base, wider, longer, both] = [await at(0, 0), await at(1, 0), await at(0, 1), await at(1, 1)];
  const [perDocument, perQuestion] = [wider.usd - base.usd, longer.usd - base.usd];
  const perBoth = both.usd - base.usd - perDocument - perQuestion;
  const usd =
    base.usd +
    perDocument * (documents - d) +
    perQuestion * (questions - q) +
    perBoth * (documents - d) * (questions - q);
  return { usd: usd.toFixed(2), waves: both.waves };
}

describe('the worked figures', () => {
  it('3 questions on 1 document cost $0.0109 in two waves, $0.0138 at once as marked, and $0.0124 unmarked', async () => {
    const small: Grid = { documents: 1, questions: 3, tokens: { document: 1248, question: 12 } };
    const inWaves = await costOf(small);
    expect([inWaves.usd.toFixed(4), inWaves.waves]).toEqual(['0.0109', 2]);
    const atOnce = await costOf(small, { waves: 'off' });
    expect([atOnce.usd.toFixed(4), atOnce.waves]).toEqual(['0.0124', 1]);
    const marked = grid(small).map((text) =>
      text.replace('{"type":"text","text":"document', `{${MARKER},"type":"text","text":"document`),
    );
    expect(expectedUsd((await planned(marked, { waves: 'off' })).batches).toFixed(4)).toBe('0.0138');
  });

  it('1,000 questions on each of 100 documents cost $538.20 in two waves', async () => {
    const large: Grid = { documents: 100, questions: 1000, tokens: { document: 20_000, question: 50 } };
    expect(await costOfLarge(large)).toEqual({ usd: '538.20', waves: 2 });
  });

  it('a system prompt and 50 documents cost $62.11 in three waves, $62.67 in two', async () => {
    const large: Grid = { documents: 50, questions: 200, tokens: { system: 4000, document: 20_000, question: 50 } };
    expect(await costOfLarge(large)).toEqual({ usd: '62.11', waves: 3 });
    expect(await costOfLarge(large, { latencyTokens: 1e6 })).toEqual({ usd: '62.67', waves: 2 });
  });
});

/** The prefixes of a batch as one of its requests used them. */
async function usesOf(planner: Planner, batch: number, request: number) {
  const { requests, prefixSet, prefixSets } = await planner.members(batch);
  const used = prefixSets[prefixSet[requests.indexOf(request)] ?? 0] ?? [];
  return used.map((identity) => [identity, { request, batch }] as const);
}

const MARKER = '"cache_control":{"type":"ephemeral"}';
const DOCUMENT = textOfTokens(2000, 'document');

/** Documents × questions, in the order of the questions; 2,000 tokens each and 10. */
function asked(documents: number, questions: number): readonly string[] {
  return Array.from({ length: documents * questions }, (_, i) =>
    requestText(`r${i}`, questionAbout(DOCUMENT.replace('document', `doc ${i % documents}`), `question ${i}`)),
  );
}

describe('waves', () => {
  it('have the leaders first, and everybody else behind the batch that writes what they read', async () => {
    const run = await planned([...asked(2, 4), requestText('alone', questionAbout('short', 'question'))]);
    expect(run.batches.map(({ wave, isLeading, after, requests }) => [wave, isLeading, after, requests])).toEqual([
      [0, true, [], 2],
      [0, false, [], 1],
      [1, false, [0], 6],
    ]);
    expect(await membersOf(run)).toEqual([[0, 1], [8], [2, 3, 4, 5, 6, 7]]);
    const { leaders } = await run.planner.members(2);
    expect([...leaders]).toEqual([0, 1, 0, 1, 0, 1]);
    expect([...(await run.planner.members(0)).leaders]).toEqual([NO_LEADER, NO_LEADER]);
  });

  it('mark what is shared for an hour, and nothing else changes', async () => {
    const run = await planned(asked(1, 4));
    const [leading] = linesOfBody(await bodyText(run.planner, run.batches[0] as (typeof run.batches)[number]));
    const hour = '"cache_control":{"type":"ephemeral","ttl":"1h"}';
    const text = asked(1, 4)[0] ?? '';
    expect(leading).toBe(text.replace(`"text":${JSON.stringify(DOCUMENT.replace('document', 'doc 0'))}`, `$&,${hour}`));
    expect(leading).not.toBe(text);
  });

  it('wait for those batches only that write what they read', async () => {
    const texts = grid({ documents: 4, questions: 4, tokens: { system: 1500, document: 1500, question: 5 } });
    const { batches } = await planned(texts, { limits: { ...HOSTED.limits, requests: 2 } });
    expect(batches.map(({ wave, isLeading, after, requests }) => [wave, isLeading, after, requests])).toEqual([
      [0, true, [], 1],
      [1, true, [0], 2],
      [1, true, [0], 1],
      [1, false, [0], 2],
      [1, false, [0], 1],
      [2, false, [1], 2],
      [2, false, [1], 2],
      [2, false, [1], 2],
      [2, false, [2], 2],
      [2, false, [2], 1],
    ]);
  });

  it('keep documents together where they fit', async () => {
    const run = await planned(asked(3, 5), { limits: { ...HOSTED.limits, requests: 8 } });
    expect(await membersOf(run)).toEqual([
      [0, 1, 2],
      [3, 4, 6, 7, 9, 10, 12, 13],
      [5, 8, 11, 14],
    ]);
  });

  it('are none where the client marks nothing and that is respected, or markers are taken out', async () => {
    for (const markers of ['respect', 'off'] as const) {
      const run = await planned(asked(2, 4), { markers });
      expect(await membersOf(run)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
      const body = await bodyText(run.planner, run.batches[0] as (typeof run.batches)[number]);
      expect(linesOfBody(body)).toEqual(asked(2, 4));
    }
  });
});

describe('all at once', () => {
  const marked = asked(1, 4).map((text) => text.replace('{"type":"text"', `{${MARKER},"type":"text"`));

  it('adds no marker, since nobody would read what everybody writes, and leaves the client its own', async () => {
    const run = await planned([...asked(1, 4).slice(1), marked[0] ?? ''], { waves: 'off' });
    expect(run.batches).toHaveLength(1);
    const body = await bodyText(run.planner, run.batches[0] as (typeof run.batches)[number]);
    expect(linesOfBody(body)).toEqual([...asked(1, 4).slice(1), marked[0]]);
  });

  it('takes markers out where that is asked for, whether in waves or not', async () => {
    for (const waves of ['auto', 'off'] as const) {
      const run = await planned(marked, { waves, markers: 'off' });
      const body = await bodyText(run.planner, run.batches[0] as (typeof run.batches)[number]);
      expect(linesOfBody(body)).toEqual(asked(1, 4));
      expect(run.batches[0]?.bytes).toBe(body.length);
    }
  });
});

describe('a server that plans by itself', () => {
  it('gets the lines as they came, and is told about markers', async () => {
    const run = await planned(asked(2, 4), { placesMarkers: false, markers: 'auto' });
    const [batch] = run.batches as readonly [(typeof run.batches)[number]];
    const body = await run.planner.body(batch);
    expect(body.options).toEqual({ markers: 'auto' });
    expect(await bodyText(run.planner, batch)).toBe(`{"requests":[${asked(2, 4).join(',')}]}`);
    expect([batch.isLeading, batch.after]).toEqual([false, []]);
  });

  it('gets what is alike in one batch, marked or not', async () => {
    const run = await planned(asked(3, 4), {
      placesMarkers: false,
      markers: 'respect',
      limits: { ...HOSTED.limits, requests: 6 },
    });
    expect(await membersOf(run)).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7, 10],
      [2, 5, 8, 11],
    ]);
  });

  it('is expected to cost what its plan says, without the discount where it gives none', async () => {
    const usd = async (terms: Partial<PlanTerms>): Promise<number> =>
      expectedUsd((await planned(asked(1, 4), { placesMarkers: false, ...terms })).batches);
    const [whole, half] = [await usd({ hasBatchDiscount: false }), await usd({})];
    expect(whole / half).toBeCloseTo(2, 9);
    expect(await usd({ markers: 'off' })).toBeGreaterThan(half);
  });
});

describe('a plan', () => {
  it('is the same whenever it is made', async () => {
    const texts = [
      ...asked(3, 5),
      ...grid({ documents: 2, questions: 4, tokens: { document: 1500, question: 3 } }).map((text) =>
        text.replace('"r', '"s'),
      ),
    ];
    const told = async (run: PlannedRun) => [
      run.batches,
      await Promise.all(run.batches.map(({ number }) => batchLog(run.store, number))),
    ];
    expect(await told(await planned(texts))).toEqual(await told(await planned(texts)));
  });

  it('of some requests numbers its batches on, and knows nobody else', async () => {
    const { planner } = await planned(asked(2, 6));
    const { batches } = await planner.plan(Uint32Array.of(11, 3, 5, 7, 9), 40);
    expect(batches.map(({ number, after }) => [number, after])).toEqual([
      [40, []],
      [41, [40]],
    ]);
    expect(await planner.members(41)).toMatchObject({
      requests: Uint32Array.of(5, 7, 9, 11),
      leaders: new Uint32Array(4).fill(3),
    });
  });

  it('of what is warm waits for nobody, reads it, and has who used it for a leader', async () => {
    const texts = grid({ documents: 3, questions: 4, tokens: { system: 1500, document: 2000, question: 5 } });
    const { planner } = await planned(texts);
    // The system prompt and the first two documents were written, by 0 and by 4.
    const warm = new Map([...(await usesOf(planner, 0, 0)), ...(await usesOf(planner, 1, 4))]);
    expect(warm.size).toBe(3);
    const { batches } = await planner.plan(Uint32Array.of(1, 6, 8, 9, 10, 11), 40, { warm });
    expect(batches.map(({ wave, isLeading, after, requests }) => [wave, isLeading, after, requests])).toEqual([
      [0, true, [1], 1],
      [0, false, [0, 1], 2],
      [1, false, [40], 3],
    ]);
    // Of two that used the system prompt, the later.
    expect([...(await planner.members(40)).leaders]).toEqual([4]);
    expect([...(await planner.members(41)).leaders]).toEqual([0, 4]);
    expect([...(await planner.members(42)).leaders]).toEqual([8, 8, 8]);
    // 3,500 tokens read and 5 paid for, twice, with two answers of 300.
    expect(batches[1]?.expectedNanoUsd).toBe(2 * (3500 * 150 + 5 * 1500 + 300 * 7500));
    const cold = await planner.plan(Uint32Array.of(1, 6), 50, { warm, hasLeaders: false });
    expect(cold.batches.map(({ after }) => after)).toEqual([[]]);
  });

  it('has no price where a model has none, nor where nothing has', async () => {
    const texts = [requestText('a', {}), requestText('b', {}, 'some-model')];
    const limits = { ...HOSTED.limits, requests: 1 };
    const { batches } = await planned(texts, { limits });
    expect(batches.map(({ expectedNanoUsd }) => expectedNanoUsd === null)).toEqual([false, true]);
    const models = { ...HOSTED.models, isPriced: false };
    expect((await planned(texts, { models })).batches[0]?.expectedNanoUsd).toBeNull();
  });

  it('expects answers of 300 tokens, or as many as there may be', async () => {
    const of = async (max_tokens: number) => {
      const { batches } = await planned([
        requestText('a', { max_tokens, messages: [{ role: 'user', content: 'abcd' }] }),
      ]);
      return batches[0]?.expectedNanoUsd;
    };
    expect([await of(1), await of(300), await of(5000)]).toEqual([9_000, 2_251_500, 2_251_500]);
  });

  it('of a large run is made part by part, each with leaders of its own', async () => {
    const { book, store } = await planned(asked(1, 10));
    const { batches } = await createPlanner(book, store, HOSTED, 5).plan('all', 20);
    expect(batches.map(({ number, wave, after, requests }) => ({ number, wave, after, requests }))).toEqual([
      { number: 20, wave: 0, after: [], requests: 1 },
      { number: 21, wave: 1, after: [20], requests: 4 },
      { number: 22, wave: 0, after: [], requests: 1 },
      { number: 23, wave: 1, after: [22], requests: 4 },
    ]);
  });

  it('is given up when it is told to', async () => {
    const { planner } = await planned(asked(1, 4));
    await expect(planner.plan('all', 9, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('a batch', () => {
  it('is there after its run was left, and its body is the same to the byte', async () => {
    const { book, store, planner, batches } = await planned(asked(2, 5));
    const again = createPlanner(book, store, HOSTED);
    for (const batch of batches) {
      const body = await bodyText(planner, batch);
      expect(await bodyText(planner, batch)).toBe(body);
      expect(await bodyText(again, batch)).toBe(body);
      expect(body).toHaveLength(batch.bytes);
    }
  });

  it('can be made anew without some, who stay as they were', async () => {
    const { planner, batches } = await planned(asked(2, 5));
    const followers = batches[1] as (typeof batches)[number];
    const fewer = await planner.without(followers, Uint32Array.of(3, 5, 7, 9, 1234), 7);
    expect(fewer).toMatchObject({ number: 7, wave: 1, after: [0], requests: 4 });
    expect(fewer.expectedNanoUsd).toBe((followers.expectedNanoUsd ?? NaN) / 2);
    expect(fewer.tokens).toBe(followers.tokens / 2);
    const body = await bodyText(planner, fewer);
    expect(body).toHaveLength(fewer.bytes);
    const whole = linesOfBody(await bodyText(planner, followers));
    expect(linesOfBody(body)).toEqual(whole.filter((_, i) => i % 2 === 0));
    expect(await planner.members(7)).toMatchObject({
      requests: Uint32Array.of(2, 4, 6, 8),
      leaders: new Uint32Array(4),
    });
  });

  it('is not sent with a request that was replaced by a longer or a shorter one', async () => {
    for (const text of ['a much longer question than it was', '?']) {
      const { book, planner, batches } = await planned(asked(1, 2));
      const line = requestText('r1', questionAbout(DOCUMENT, text));
      await book.replace(1, new TextEncoder().encode(line));
      const [batch] = batches as readonly [(typeof batches)[number]];
      await expect(bodyText(planner, batch)).rejects.toThrow('a request was replaced after it was planned');
    }
  });

  it('that is damaged is not made', async () => {
    const { store, planner } = await planned(asked(1, 4));
    const log = await store.openLog('batch-0');
    await log.truncate(log.size - 1);
    await log.close();
    await expect(planner.members(0)).rejects.toThrow('What is in batch 0 of the run is damaged.');
    const other = await store.openLog('batch-1');
    await other.truncate(0);
    await other.close();
    await expect(planner.members(1)).rejects.toThrow('What is in batch 1 of the run is damaged.');
  });

  it('larger than a batch may be has one request', async () => {
    const long = requestText('long', { messages: [{ role: 'user', content: 'x'.repeat(5000) }] });
    const limits = { ...HOSTED.limits, bytes: 2000 };
    const { batches } = await planned([requestText('a', {}), long, requestText('b', {})], { limits });
    expect(batches.map(({ requests, bytes }) => [requests, bytes > 2000])).toEqual([
      [1, false],
      [1, true],
      [1, false],
    ]);
  });
});
