import { billOf, VirtualClock, type TokenCounts } from '@batchwright/core';
import { expect, test } from 'vitest';
import { PromptCache, type CacheRequest } from './prompt-cache.ts';

/**
 * Orders of work whose bills are known from arithmetic, played on the engine alone: `slots` requests at once, the next
 * one as soon as a slot is free. The first byte comes after 1 s and 1 s for every 4,000 tokens not read, and the answer
 * takes 19 s more.
 */
const DECODE_MS = 19_000;
const OUTPUT_TOKENS = 300;
const SONNET = 'claude-sonnet-4-5';

interface Outcome {
  readonly tokens: TokenCounts;
  readonly seconds: number;
}

async function play(requests: Iterable<CacheRequest>, slots: number): Promise<Outcome> {
  const clock = new VirtualClock(0);
  const cache = new PromptCache();
  const waiting = requests[Symbol.iterator]();
  const sum = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };
  let endMs = 0;
  const startNext = (): void => {
    const next = waiting.next();
    if (next.done === true) return;
    const turn = cache.look(next.value, clock.now());
    cache.begin(turn);
    sum.inputTokens += turn.bill.inputTokens;
    sum.write5mTokens += turn.bill.write5mTokens;
    sum.write1hTokens += turn.bill.write1hTokens;
    sum.readTokens += turn.bill.readTokens;
    sum.outputTokens += OUTPUT_TOKENS;
    const unread = turn.bill.inputTokens + turn.bill.write5mTokens + turn.bill.write1hTokens;
    clock.after(1000 + unread / 4, () => {
      cache.firstByte(turn, clock.now());
      clock.after(DECODE_MS, () => {
        cache.end(turn, clock.now());
        endMs = clock.now();
        startNext();
      });
    });
  };
  for (let slot = 0; slot < slots; slot++) startNext();
  await clock.advance(1e9);
  return { tokens: sum, seconds: endMs / 1000 };
}

/** A question about a document, which is marked, perhaps after a system prompt that all share. */
function question(doc: number, index: number, sizes: Sizes): CacheRequest {
  const { system = 0, document, question: own } = sizes;
  const ids = [1, 2 + doc, 1_000_000 + doc * 100_000 + index];
  const lengths = [system, system + document, system + document + own];
  const skipped = system === 0 ? 1 : 0;
  const marked = skipped === 1 ? [0] : sizes.isSystemMarked === true ? [0, 1] : [1];
  return {
    scope: 'one',
    batch: null,
    minimumTokens: 1024,
    hashes: ids.slice(skipped),
    tokens: lengths.slice(skipped),
    markers: marked.map((block) => ({ block, ttl: '5m' })),
  };
}

interface Sizes {
  readonly system?: number;
  readonly isSystemMarked?: boolean;
  readonly document: number;
  readonly question: number;
}

function* docMajor(docs: number, questions: number, sizes: Sizes): Generator<CacheRequest> {
  for (let doc = 0; doc < docs; doc++) {
    for (let index = 0; index < questions; index++) yield question(doc, index, sizes);
  }
}

function* questionMajor(docs: number, questions: number, sizes: Sizes): Generator<CacheRequest> {
  for (let index = 0; index < questions; index++) {
    for (let doc = 0; doc < docs; doc++) yield question(doc, index, sizes);
  }
}

const written = ({ tokens }: Outcome): number => tokens.write5mTokens;
const read = ({ tokens }: Outcome): number => tokens.readTokens;
const dollars = ({ tokens }: Outcome): number => Number(billOf(SONNET, tokens, { atMs: 0, isBatch: false })) / 1e9;

const BLOG = { document: 1248, question: 12 };
const LARGE = { document: 20_000, question: 50 };

test('three questions at once: each writes the document', async () => {
  const outcome = await play(docMajor(1, 3, BLOG), 3);
  expect([written(outcome), read(outcome), outcome.tokens.inputTokens]).toEqual([3744, 0, 36]);
  expect(dollars(outcome)).toBeCloseTo(0.0276, 4);
  expect(outcome.seconds).toBeCloseTo(20.3, 1);
});

test('three questions one after the other: the first writes, the others read', async () => {
  const outcome = await play(docMajor(1, 3, BLOG), 1);
  expect([written(outcome), read(outcome), outcome.tokens.inputTokens]).toEqual([1248, 2496, 36]);
  expect(dollars(outcome)).toBeCloseTo(0.019, 4);
});

test('1,000 questions on each of 100 documents, 50 at once: by document the first 50 of each miss, by question the first', async () => {
  const byDocument = await play(docMajor(100, 1000, LARGE), 50);
  expect([written(byDocument), read(byDocument)]).toEqual([100_000_000, 1_900_000_000]);
  expect(dollars(byDocument)).toBe(1410);
  expect(byDocument.seconds).toBeCloseTo(40_525, 0);
  const byQuestion = await play(questionMajor(100, 1000, LARGE), 50);
  expect([written(byQuestion), read(byQuestion)]).toEqual([2_000_000, 1_998_000_000]);
  expect(dollars(byQuestion)).toBe(1071.9);
  expect(byQuestion.seconds).toBeCloseTo(40_035, 0);
}, 20_000);

test('50 documents of 200 questions after one system prompt, 50 at once', async () => {
  const sizes = { system: 4000, ...LARGE };
  const byDocument = await play(docMajor(50, 200, sizes), 50);
  expect([written(byDocument), read(byDocument)]).toEqual([60_000_000, 180_000_000]);
  expect(dollars(byDocument)).toBe(325.5);
  expect(byDocument.seconds).toBe(4302.5);
  const byQuestion = await play(questionMajor(50, 200, sizes), 50);
  expect([written(byQuestion), read(byQuestion)]).toEqual([1_200_000, 238_800_000]);
  expect(dollars(byQuestion)).toBeCloseTo(122.64, 2);
});

test('a marker on the system prompt, too, lets each further document read it', async () => {
  const outcome = await play(docMajor(50, 200, { system: 4000, isSystemMarked: true, ...LARGE }), 50);
  expect(written(outcome)).toBe(50 * 24_000 + 49 * 50 * 20_000);
});

test('one at a time, 20 documents of 50 questions: by question everything has expired, by document nothing has', async () => {
  const byQuestion = await play(questionMajor(20, 50, LARGE), 1);
  expect([written(byQuestion), read(byQuestion)]).toEqual([20_000_000, 0]);
  expect(dollars(byQuestion)).toBe(79.65);
  expect(byQuestion.seconds).toBe(25_012.5);
  const byDocument = await play(docMajor(20, 50, LARGE), 1);
  expect([written(byDocument), read(byDocument)]).toEqual([400_000, 19_600_000]);
  expect(dollars(byDocument)).toBeCloseTo(12.03, 10);
  expect(byDocument.seconds).toBeCloseTo(20_112.5, 6);
});

test('more at once than questions on a document, by document: nobody reads', async () => {
  const outcome = await play(docMajor(20, 50, LARGE), 100);
  expect([written(outcome), read(outcome)]).toEqual([20_000_000, 0]);
});
