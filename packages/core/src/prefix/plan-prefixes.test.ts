import { describe, expect, it } from 'vitest';
import { lowerBound, makespanBound } from './lower-bound.ts';
import { markersToAdd } from './placed-plan.ts';
import { planPrefixes, type PlanOptions } from './plan-prefixes.ts';
import { predictUsage } from './predicted-usage.ts';
import { PrefixCache, sentPrompts } from './prefix-cache.fixture.ts';
import { blocksOf, documentsAndQuestions, type Block } from './prompts.fixture.ts';

const minimumTokens = (): number => 1024;
const AUTO: PlanOptions = { markers: 'auto', profile: 'required', minimumTokens };
const RESPECT: PlanOptions = { ...AUTO, markers: 'respect' };

/** A second, a prefill of 4,000 tokens a second, and 19 seconds of answer. */
const TIMING = { baseMs: 1000, msPerUncachedToken: 0.25, answerMs: 19_000 };

/** One system prompt before documents and questions. */
const withSystem = (prompts: readonly Block[][], tokens: number): Block[][] =>
  prompts.map((prompt) => [{ text: 'system', tokens }, ...prompt]);

const text = (name: string, tokens: number): Block => ({ text: name, tokens });

/** Sends all prompts one after another, as planned. */
function sendAll(prompts: readonly Block[][], options: PlanOptions): PrefixCache['usage'] {
  const plan = planPrefixes(blocksOf(prompts), options);
  const cache = new PrefixCache(options.minimumTokens(''));
  for (const prompt of sentPrompts(plan, prompts)) cache.send(prompt);
  return cache.usage;
}

describe('what is warm', () => {
  const [system, document] = [text('system', 2000), text('document', 3000)];
  const prompts = Array.from({ length: 3 }, (_, i) => [system, ...(i === 0 ? [document] : []), text(`${i}?`, 10)]);
  const blocks = blocksOf(prompts);
  const options: PlanOptions = { ...AUTO, ttlClass: '1h' };

  it('T15 is marked from one request on', () => {
    const cold = planPrefixes(blocks, options);
    expect([...cold.tokens]).toEqual([2000]);
    const warm = new Set([blocks.hash[0] ?? 0, blocks.hash[1] ?? 0]);
    const plan = planPrefixes(blocks, { ...options, warm });
    expect([...plan.tokens]).toEqual([2000, 5000]);
    expect([...plan.anchor]).toEqual([1, 0, 0]);
    expect(markersToAdd(plan, 0)).toEqual([
      { block: 0, ttl: '1h' },
      { block: 1, ttl: '1h' },
    ]);
  });

  it('T15 leaves nothing above it to be written by who reads it', () => {
    const plan = planPrefixes(blocks, { ...options, warm: new Set([blocks.hash[1] ?? 0]) });
    expect([...plan.tokens]).toEqual([5000]);
    expect([...plan.anchor]).toEqual([0, -1, -1]);
  });
});

describe('worked examples', () => {
  it('T12 three questions to one document write it once', () => {
    const blocks = blocksOf(documentsAndQuestions(1, 3, { document: 1248, question: 12 }));
    const plan = planPrefixes(blocks, AUTO);
    expect([...plan.requests]).toEqual([3]);
    expect([...plan.anchor]).toEqual([0, 0, 0]);
    expect([...plan.suffixTokens]).toEqual([12, 12, 12]);
    expect(predictUsage(plan)).toEqual({ written5m: 1248, written1h: 0, read: 2496, input: 36 });
    expect(lowerBound(blocks, { minimumTokens })).toMatchObject({ written: 1248, read: 2496, input: 36 });
    expect(lowerBound(blocks, { minimumTokens }).cost).toBeCloseTo(1248 * 1.25 + 249.6 + 36, 6);
    expect(makespanBound(plan, TIMING, 3).chainMs).toBe(21_315);
  });

  it('T12 a hundred documents with a thousand questions each write two million tokens', () => {
    const blocks = blocksOf(documentsAndQuestions(100, 1000, { document: 20_000, question: 50 }));
    const usage = predictUsage(planPrefixes(blocks, AUTO));
    expect(usage).toEqual({ written5m: 2_000_000, written1h: 0, read: 1_998_000_000, input: 5_000_000 });
    const { written, read, input } = lowerBound(blocks, { minimumTokens });
    expect({ written, read, input }).toEqual({ written: 2_000_000, read: 1_998_000_000, input: 5_000_000 });
  });

  it('T12 a system prompt above fifty documents is written once for all of them', () => {
    const prompts = withSystem(documentsAndQuestions(50, 200, { document: 20_000, question: 50 }), 4000);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(plan.nodeCount).toBe(51);
    expect(plan.parent.filter((parent) => parent === 0)).toHaveLength(50);
    expect(predictUsage(plan)).toEqual({ written5m: 1_004_000, written1h: 0, read: 238_996_000, input: 500_000 });
    expect(lowerBound(blocksOf(prompts), { minimumTokens }).written).toBe(1_004_000);
    expect(Math.round(makespanBound(plan, TIMING, 50).workMs / 1000)).toBe(4008);
  });

  it('T12 nothing is written where nothing is shared', () => {
    const prompts = Array.from({ length: 1000 }, (_, i) => [text(`unique ${i}`, 5000), text('question', 50)]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(plan.nodeCount).toBe(0);
    expect(plan.anchor.every((anchor) => anchor === -1)).toBe(true);
    expect(predictUsage(plan)).toEqual({ written5m: 0, written1h: 0, read: 0, input: 5_050_000 });
    expect(lowerBound(blocksOf(prompts), { minimumTokens }).cost).toBe(5_050_000);
  });

  it.each([
    { minimum: 1024, expected: { written5m: 0, written1h: 0, read: 0, input: 340_000 } },
    { minimum: 512, expected: { written5m: 600, written1h: 0, read: 299_400, input: 40_000 } },
  ])('T12 a prefix of 600 tokens against a minimum of $minimum', ({ minimum, expected }) => {
    const blocks = blocksOf(documentsAndQuestions(1, 500, { document: 600, question: 80 }));
    const options = { ...AUTO, minimumTokens: () => minimum };
    expect(predictUsage(planPrefixes(blocks, options))).toEqual(expected);
    expect(lowerBound(blocks, options).written).toBe(expected.written5m);
  });

  it('T12 twenty documents one after another take as long as their calls', () => {
    const blocks = blocksOf(documentsAndQuestions(20, 50, { document: 20_000, question: 50 }));
    const plan = planPrefixes(blocks, AUTO);
    expect(predictUsage(plan)).toEqual({ written5m: 400_000, written1h: 0, read: 19_600_000, input: 50_000 });
    expect(makespanBound(plan, TIMING, 1).workMs).toBe(20_112_500);
  });

  it('T12 a hundred thousand requests over two hundred documents', () => {
    const blocks = blocksOf(documentsAndQuestions(200, 500, { document: 20_000, question: 50 }));
    const plan = planPrefixes(blocks, AUTO);
    expect(predictUsage(plan)).toEqual({
      written5m: 4_000_000,
      written1h: 0,
      read: 1_996_000_000,
      input: 5_000_000,
    });
    expect(lowerBound(blocks, { minimumTokens }).written).toBe(4_000_000);
    expect(makespanBound(plan, TIMING, 1000).workMs).toBe(2_002_250);
  });
});

describe('the time it takes', () => {
  const HIT_MS = 1000 + 12.5 + 19_000;

  it.each([
    // Both documents are led by others than the system prompt's leader, but for one of them.
    { second: 20_000, chainMs: 2000 + 6000 + HIT_MS },
    // The leader of the longer one writes the system prompt on its way, and the shorter one is done before.
    { second: 40_000, chainMs: 1000 + 11_000 + HIT_MS },
  ])('T12 of a chain below a system prompt, with documents of 20000 and $second tokens', ({ second, chainMs }) => {
    const question = (i: number): Block => text(`question ${i}`, 50);
    const prompts = [1, 2].flatMap((i) => [
      [text('first', 20_000), question(i)],
      [text('second', second), question(i)],
    ]);
    const plan = planPrefixes(blocksOf(withSystem(prompts, 4000)), AUTO);
    expect(makespanBound(plan, TIMING, 8).chainMs).toBe(chainMs);
  });

  it('T12 of a filler is its own', () => {
    const plan = planPrefixes(blocksOf([[text('a', 8000)], [text('b', 4000)]]), AUTO);
    expect(makespanBound(plan, TIMING, 2)).toEqual({ workMs: 21_500, chainMs: 22_000 });
  });
});

describe('cut points', () => {
  it('T2 only the last block of what the same requests share is a node', () => {
    const prompts = ['x', 'y'].map((q) => [text('a', 2000), text('b', 10), text('c', 10), text(q, 5)]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect([...plan.block]).toEqual([2]);
    expect([...plan.tokens]).toEqual([2020]);
  });

  it('T2 where a prompt ends the set of requests changes', () => {
    const shared = [text('a', 2000), text('b', 10)];
    const plan = planPrefixes(blocksOf([[text('a', 2000)], shared, shared]), AUTO);
    expect([...plan.block]).toEqual([0, 1]);
    expect([...plan.requests]).toEqual([3, 2]);
    expect([...plan.anchor]).toEqual([0, 1, 1]);
  });

  it('T3 tokens of a prefix too short to be cached count to what is below', () => {
    const prompts = withSystem(documentsAndQuestions(3, 2, { document: 2000, question: 5 }), 600);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect([...plan.parent]).toEqual([-1, -1, -1]);
    expect(predictUsage(plan).written5m).toBe(3 * 2600);
  });

  it('T3 each model has its own minimum, and shares nothing with another', () => {
    const prompts = documentsAndQuestions(1, 4, { document: 2000, question: 5 });
    const models = ['small', 'large'];
    const blocks = blocksOf(prompts, (r) => models[r % 2] as string);
    const plan = planPrefixes(blocks, { ...AUTO, minimumTokens: (model) => (model === 'small' ? 1024 : 4096) });
    expect([...plan.requests]).toEqual([2]);
    expect([...plan.anchor]).toEqual([0, -1, 0, -1]);
    expect(plan.models[plan.model[0] as number]).toBe('small');
  });

  it('T3 a model that is not named caches nothing', () => {
    const blocks = blocksOf(documentsAndQuestions(1, 3, { document: 2000, question: 5 }));
    const plan = planPrefixes({ ...blocks, model: new Uint16Array(3).fill(255) }, AUTO);
    expect(plan.nodeCount).toBe(0);
  });

  it('T4 two requests are worth five minutes, and three an hour', () => {
    const two = blocksOf(documentsAndQuestions(1, 2, { document: 2000, question: 5 }));
    const three = blocksOf(documentsAndQuestions(1, 3, { document: 2000, question: 5 }));
    expect(planPrefixes(two, AUTO).nodeCount).toBe(1);
    expect(planPrefixes(two, { ...AUTO, ttlClass: '1h' }).nodeCount).toBe(0);
    expect([...planPrefixes(three, { ...AUTO, ttlClass: '1h' }).ttl]).toEqual([1]);
    expect(lowerBound(three, { minimumTokens, ttlClass: '1h' })).toEqual({
      written: 2000,
      read: 4000,
      input: 15,
      cost: 4000 + 400 + 15,
    });
  });

  it('T1 an identity under a second parent ends the prompt there', () => {
    const blocks = blocksOf(['x', 'y'].map((q) => [text(q, 2000), text('same', 2000), text('end', 5)]));
    blocks.hash[4] = blocks.hash[1] as number;
    const plan = planPrefixes(blocks, AUTO);
    expect(plan.nodeCount).toBe(0);
    expect([...plan.suffixTokens]).toEqual([4005, 4005]);
  });

  it('T1 prompts without blocks are fillers', () => {
    const plan = planPrefixes(blocksOf([[], []]), AUTO);
    expect([...plan.anchor]).toEqual([-1, -1]);
    expect(predictUsage(plan)).toEqual({ written5m: 0, written1h: 0, read: 0, input: 0 });
  });

  it('T1 estimates that disagree make no segment negative', () => {
    const blocks = blocksOf(['x', 'y'].map((q) => [text('a', 3000), text('b', 10), text(q, 5)]));
    blocks.tokens.set([1500, 1510, 1515], 3);
    const plan = planPrefixes(blocks, AUTO);
    expect([...plan.tokens]).toEqual([3010]);
    expect([...plan.suffixTokens]).toEqual([5, 0]);
  });

  it('T1 thousands of levels need no stack', () => {
    const turns = Array.from({ length: 4000 }, (_, i) => text(`turn ${i}`, 100));
    const prompts = Array.from({ length: 40 }, (_, i) => turns.slice(0, 100 * (i + 1)));
    const plan = planPrefixes(blocksOf(prompts), { ...AUTO, profile: 'ignored' });
    expect(plan.nodeCount).toBe(39);
    expect(plan.block[38]).toBe(3899);
  });

  it('T10 of hundreds of levels the best four are marked', () => {
    const turns = Array.from({ length: 300 }, (_, i) => text(`turn ${i}`, 2000));
    const prompts = turns.map((_, i) => turns.slice(0, i + 1));
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(plan.nodeCount).toBe(4);
    // Each level is paid in full by those that end above the next marker: the least sum is at even steps.
    expect([...plan.block]).toEqual([59, 119, 179, 239]);
  });
});

describe('modes', () => {
  const marked = documentsAndQuestions(2, 3, { document: 2000, question: 5 }, '5m');

  it('T5 `off` plans nothing', () => {
    const plan = planPrefixes(blocksOf(marked), { ...AUTO, markers: 'off' });
    expect(plan.nodeCount).toBe(0);
    expect([...plan.anchor]).toEqual([-1, -1, -1, -1, -1, -1]);
    expect(predictUsage(plan)).toEqual({ written5m: 0, written1h: 0, read: 0, input: 6 * 2005 });
  });

  it.each(['respect', 'auto'] as const)(
    'T5 an upstream that ignores markers shares every cut point under `%s`',
    (markers) => {
      const unmarkable = marked.map((prompt) =>
        prompt.map((block) => ({ ...block, mark: undefined, markable: false })),
      );
      const plan = planPrefixes(blocksOf(unmarkable), { ...AUTO, markers, profile: 'ignored' });
      expect([...plan.requests]).toEqual([3, 3]);
      expect(markersToAdd(plan, 0)).toEqual([]);
    },
  );

  it('T6 `respect` plans nothing where nothing is marked', () => {
    const plan = planPrefixes(blocksOf(documentsAndQuestions(2, 3, { document: 2000, question: 5 })), RESPECT);
    expect(plan.nodeCount).toBe(0);
  });

  it('T6 `respect` plans the positions that the client marked', () => {
    const plan = planPrefixes(blocksOf(marked), RESPECT);
    expect([...plan.requests]).toEqual([3, 3]);
    expect([...plan.anchor]).toEqual([0, 0, 0, 1, 1, 1]);
    expect(plan.reach).toBe(null);
    expect(markersToAdd(plan, 0)).toEqual([]);
    expect(predictUsage(plan)).toEqual(sendAll(marked, RESPECT));
  });

  it('T6 two requests that mark for an hour pay twice unless one waits', () => {
    const two = documentsAndQuestions(1, 2, { document: 2000, question: 5 }, '1h');
    const plan = planPrefixes(blocksOf(two), RESPECT);
    expect([...plan.ttl]).toEqual([1]);
    expect(predictUsage(plan)).toEqual({ written5m: 0, written1h: 2000, read: 2000, input: 10 });
  });

  it('T6 a marker that nobody shares makes a filler, and is paid for', () => {
    const prompts = documentsAndQuestions(1, 3, { document: 2000, question: 5 }).map(([document, question]) => [
      document as Block,
      { ...(question as Block), mark: '5m' as const },
    ]);
    const plan = planPrefixes(blocksOf(prompts), RESPECT);
    expect([...plan.anchor]).toEqual([-1, -1, -1]);
    expect(predictUsage(plan)).toEqual({ written5m: 6015, written1h: 0, read: 0, input: 0 });
    expect(sendAll(prompts, RESPECT)).toEqual(predictUsage(plan));
  });

  it('T6 markers on prefixes too short to be cached are not counted on', () => {
    const short = documentsAndQuestions(1, 3, { document: 1000, question: 5 }, '5m');
    const plan = planPrefixes(blocksOf(short), RESPECT);
    expect(plan.nodeCount).toBe(0);
    expect(predictUsage(plan).input).toBe(3015);
  });

  it.each([
    { back: 19, anchors: [0, 0, 0] },
    { back: 20, anchors: [0, 0, -1] },
  ])('T7 an entry $back blocks before a marker', ({ back, anchors }) => {
    const shared = Array.from({ length: back + 1 }, (_, i) => text(`block ${i}`, 1024));
    const mark = (at: number): Block[] => shared.map((block, i) => (i === at ? { ...block, mark: '5m' } : block));
    const plan = planPrefixes(blocksOf([mark(0), mark(0), mark(back)]), RESPECT);
    expect([...plan.anchor]).toEqual(anchors);
  });

  it('T7 turns of one conversation, marked at their ends, read each other in a row', () => {
    const turns = Array.from({ length: 6 }, (_, i) => text(`turn ${i}`, 1000));
    const prompts = turns.map((_, n) => [...turns.slice(0, n), { ...(turns[n] as Block), mark: '5m' as const }]);
    const plan = planPrefixes(blocksOf(prompts), RESPECT);
    // The first is too short to be cached, and what the last writes nobody reads.
    expect([...plan.block]).toEqual([1, 2, 3, 4]);
    expect([...plan.parent]).toEqual([-1, 0, 1, 2]);
    expect([...plan.anchor]).toEqual([-1, 0, 1, 2, 3, 3]);
    // Each writes its own end only, and the last must not lead: it writes none that others read.
    expect([...(plan.reach ?? [])]).toEqual([0, 1, 1, 1, 1, 0]);
    expect(predictUsage(plan)).toEqual(sendAll(prompts, RESPECT));
    expect(predictUsage(plan).written5m).toBe(6000);
  });

  it('T7 a node hangs below the next that one of its writers reads, however far', () => {
    const blocks = Array.from({ length: 60 }, (_, i) => text(`block ${i}`, 1024));
    const marked = (...at: number[]): Block[] =>
      blocks.map((block, i) => (at.includes(i) ? { ...block, mark: '5m' } : block));
    // The third reads both and writes the deeper one only; the fourth cannot even read the first.
    const plan = planPrefixes(blocksOf([marked(5, 50), marked(5, 50), marked(5, 59), marked(50)]), RESPECT);
    expect([...plan.block]).toEqual([5, 50]);
    expect([...plan.parent]).toEqual([-1, 0]);
    expect([...plan.requests]).toEqual([3, 4]);
    expect([...(plan.reach ?? [])]).toEqual([2, 2, 0, 1]);
  });

  it('T7 of several nodes before it a node hangs below the deepest that a writer reads', () => {
    const blocks = Array.from({ length: 60 }, (_, i) => text(`block ${i}`, 1024));
    const marked = (...at: number[]): Block[] =>
      blocks.map((block, i) => (at.includes(i) ? { ...block, mark: '5m' } : block));
    const plan = planPrefixes(
      blocksOf([marked(28, 59), marked(5, 59), marked(5).slice(0, 6), marked(28).slice(0, 29)]),
      RESPECT,
    );
    expect([...plan.block]).toEqual([5, 28, 59]);
    expect([...plan.parent]).toEqual([-1, -1, 1]);
  });

  it('T7 what is marked but never the deepest of anyone is no node', () => {
    const blocks = Array.from({ length: 60 }, (_, i) => text(`block ${i}`, 1024));
    const marked = (...at: number[]): Block[] =>
      blocks.map((block, i) => (at.includes(i) ? { ...block, mark: '5m' } : block));
    const plan = planPrefixes(blocksOf([marked(5, 59), marked(5, 59), marked(28, 59), marked(28, 59)]), RESPECT);
    expect([...plan.block]).toEqual([28, 59]);
  });

  it('T8 a node of `respect` lives as long as the shortest marker on it', () => {
    const prompts = [
      ...documentsAndQuestions(1, 2, { document: 2000, question: 5 }, '1h'),
      [{ text: 'document 0', tokens: 2000, mark: '5m' as const }, text('another', 5)],
    ];
    expect([...planPrefixes(blocksOf(prompts), RESPECT).ttl]).toEqual([0]);
  });
});

describe('markers of `auto`', () => {
  it('T9 lie on every node of the path, in order', () => {
    const prompts = withSystem(documentsAndQuestions(2, 2, { document: 2000, question: 5 }), 1500);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(markersToAdd(plan, 0)).toEqual([
      { block: 0, ttl: '5m' },
      { block: 1, ttl: '5m' },
    ]);
    expect(sendAll(prompts, AUTO)).toEqual(predictUsage(plan));
  });

  it('T9 a request that shares nothing gets none', () => {
    expect(markersToAdd(planPrefixes(blocksOf([[text('a', 5000)]]), AUTO), 0)).toEqual([]);
  });

  it('T9 a block that cannot carry one leaves it to the block before', () => {
    const thinking: Block = { text: 'thinking', tokens: 500, markable: false };
    const prompts = ['x', 'y'].map((q) => [text('a', 2000), thinking, text(q, 5)]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(markersToAdd(plan, 1)).toEqual([{ block: 0, ttl: '5m' }]);
    expect([...plan.suffixTokens]).toEqual([505, 505]);
  });

  it('T9 a cut point is dropped when no block of its stretch can carry one', () => {
    const thinking: Block = { text: 'thinking', tokens: 5000, markable: false };
    const prompts = ['x', 'y', 'z'].map((q) => [text('a', 2000), ...(q === 'z' ? [] : [thinking]), text(q, 5)]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect([...plan.block]).toEqual([0]);
    expect([...plan.requests]).toEqual([3]);
  });

  it('T10 what all requests mark themselves is a node and needs no marker of ours', () => {
    const prompts = withSystem(documentsAndQuestions(2, 2, { document: 2000, question: 5 }, '5m'), 1500);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(plan.nodeCount).toBe(3);
    expect(markersToAdd(plan, 0)).toEqual([{ block: 0, ttl: '5m' }]);
  });

  it('T10 two requests that mark for an hour pay for it, so that waiting gains under `auto` too', () => {
    const plan = planPrefixes(blocksOf(documentsAndQuestions(1, 2, { document: 2000, question: 5 }, '1h')), AUTO);
    expect([...plan.ttl]).toEqual([1]);
    expect(markersToAdd(plan, 0)).toEqual([]);
  });

  it('T10 the client’s own markers take slots', () => {
    const own = Array.from({ length: 3 }, (_, i): Block => ({ text: `own ${i}`, tokens: 10, mark: '5m' }));
    const levels = (q: number): Block[] => [text('a', 2000), text(`b ${q >> 1}`, 100), text(`c ${q}`, 2000)];
    const prompts = Array.from({ length: 16 }, (_, i) => [...levels(i >> 2), { ...text(`q ${i}`, 5) }, ...own]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    for (let r = 0; r < 16; r++) expect(markersToAdd(plan, r)).toHaveLength(1);
    expect(plan.parent.every((parent) => parent === -1)).toBe(true);
  });

  it('T10 none is added where the client has used all four', () => {
    const own = Array.from({ length: 4 }, (_, i): Block => ({ text: `own ${i}`, tokens: 10, mark: '5m' }));
    const prompts = [1, 2, 3].map((i) => [text('a', 2000), text(`q ${i}`, 5), ...own]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(plan.nodeCount).toBe(0);
  });

  it('T10 more markers than the API takes break nothing', () => {
    const prompts = [1, 2].map((i) => [
      ...Array.from({ length: 9 }, (_, j): Block => ({ text: `own ${j}`, tokens: 2000, mark: '5m' })),
      text(`q ${i}`, 5),
    ]);
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect([...plan.block]).toEqual([0, 1, 2, 3]);
    expect(markersToAdd(plan, 0)).toEqual([]);
  });

  it('T8 a marker before the client’s 1-hour one lives an hour, and one after a 5-minute one does not', () => {
    const hour: Block = { text: 'hour', tokens: 1000, mark: '1h' };
    const minutes: Block = { text: 'minutes', tokens: 1000, mark: '5m' };
    const before = [1, 2, 3, 4].map((i) => [text('a', 2000), text(`b ${i >> 2}`, 5), text(`q ${i}`, 5), hour]);
    const after = [1, 2, 3, 4].map((i) => [{ ...minutes, text: `own ${i >> 2}` }, text('a', 2000), text(`q ${i}`, 5)]);
    expect(markersToAdd(planPrefixes(blocksOf(before), AUTO), 0)).toContainEqual({ block: 0, ttl: '1h' });
    const late = planPrefixes(blocksOf(after), { ...AUTO, ttlClass: '1h' });
    expect(markersToAdd(late, 0)).toEqual([{ block: 1, ttl: '5m' }]);
  });

  it('T8 below a marker that must live five minutes none lives an hour', () => {
    const a = text('a', 2000);
    const prompts = [
      [{ ...a, mark: '5m' as const }, text('x', 5)],
      ...[1, 2, 3].map((i) => [a, text('b', 500), text(`q ${i}`, 5)]),
    ];
    const plan = planPrefixes(blocksOf(prompts), { ...AUTO, ttlClass: '1h' });
    expect(markersToAdd(plan, 1)).toEqual([
      { block: 0, ttl: '5m' },
      { block: 1, ttl: '5m' },
    ]);
  });

  it('T8 where requests disagree on the ttl, no marker is added', () => {
    const shared = text('a', 2000);
    const prompts: Block[][] = [
      [{ ...shared, mark: '5m' }, text('b', 1000), text('x', 5)],
      [shared, { ...text('b', 1000), mark: '1h' }, text('y', 5)],
      [shared, text('b', 1000), text('z', 5)],
    ];
    const plan = planPrefixes(blocksOf(prompts), AUTO);
    expect(plan.nodeCount).toBe(0);
  });

  describe('between two that lie too far apart', () => {
    const run = (name: string, blocks: number): Block[] =>
      Array.from({ length: blocks }, (_, i) => text(`${name} ${i}`, 100));
    const far = Array.from({ length: 8 }, (_, i) => [...run('a', 20), ...run(`b ${i >> 1}`, 45), text(`q ${i}`, 5)]);
    const changed = (request: number, at: number, change: Partial<Block>): Block[][] =>
      far.map((prompt, r) => (r === request ? prompt.map((b, i) => (i === at ? { ...b, ...change } : b)) : prompt));

    it('T11 others are placed as far as looking back reaches, while slots are left', () => {
      expect(markersToAdd(planPrefixes(blocksOf(far), AUTO), 0).map(({ block }) => block)).toEqual([19, 26, 45, 64]);
      expect(sendAll(far, AUTO)).toEqual(predictUsage(planPrefixes(blocksOf(far), AUTO)));
    });

    it('T11 they lie on blocks that can carry one', () => {
      const prompts = far.map((prompt) => prompt.map((block, i) => ({ ...block, markable: i !== 45 })));
      const plan = planPrefixes(blocksOf(prompts), AUTO);
      expect(markersToAdd(plan, 0).map(({ block }) => block)).toEqual([19, 27, 46, 64]);
    });

    it('T11 they live an hour where the client marks for an hour behind them', () => {
      const plan = planPrefixes(blocksOf(changed(0, 50, { mark: '1h' })), AUTO);
      expect(markersToAdd(plan, 0)).toEqual([
        { block: 19, ttl: '1h' },
        { block: 45, ttl: '1h' },
        { block: 64, ttl: '5m' },
      ]);
    });

    it('T11 they lie where the client’s markers leave a choice', () => {
      const prompts = changed(0, 44, { mark: '5m' });
      prompts[1] = changed(1, 46, { mark: '1h' })[1] as Block[];
      expect(markersToAdd(planPrefixes(blocksOf(prompts), AUTO), 0)).toEqual([
        { block: 19, ttl: '1h' },
        { block: 47, ttl: '5m' },
        { block: 64, ttl: '5m' },
      ]);
    });
  });
});

describe('more shared levels than markers', () => {
  /** A binary tree of few-shot turns of 25 blocks each; three questions under each leaf. */
  function turns(levels: number): Block[][] {
    return Array.from({ length: 3 * 2 ** (levels - 1) }, (_, i) => {
      const leaf = Math.floor(i / 3);
      const path = Array.from({ length: levels }, (_, level) => `${level}.${leaf >> (levels - 1 - level)}`);
      const blocks = path.flatMap((turn) => Array.from({ length: 25 }, (_, b) => text(`${turn} ${b}`, 60)));
      return [...blocks, text(`question ${i}`, 40)];
    });
  }

  it.each([2, 3, 4])('T12 %i levels meet the lower bound to the token', (levels) => {
    const prompts = turns(levels);
    const blocks = blocksOf(prompts);
    const { written, read, input } = lowerBound(blocks, { minimumTokens });
    expect(predictUsage(planPrefixes(blocks, AUTO))).toEqual({ written5m: written, written1h: 0, read, input });
    expect(sendAll(prompts, AUTO)).toEqual({ written5m: written, written1h: 0, read, input });
  });

  it('T10 of six levels the four that cost least are marked, and the prediction still holds', () => {
    const prompts = turns(6);
    const blocks = blocksOf(prompts);
    const plan = planPrefixes(blocks, AUTO);
    expect(new Set(prompts.map((_, r) => markersToAdd(plan, r).length))).toEqual(new Set([4]));
    expect(sendAll(prompts, AUTO)).toEqual(predictUsage(plan));
    // Levels 1 and 3 are left out: 2 × 1500 and 8 × 1500 tokens instead of 1500 and 4 × 1500; no other pair costs less.
    const extra = predictUsage(plan).written5m - lowerBound(blocks, { minimumTokens }).written;
    expect(extra).toBe(5 * 1500);
  });
});
