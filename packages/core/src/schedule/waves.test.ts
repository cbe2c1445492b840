import { describe, expect, it } from 'vitest';
import { billOf } from '../cost/bill.ts';
import type { PredictedUsage } from '../prefix/predicted-usage.ts';
import { planPrefixes } from '../prefix/plan-prefixes.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { blocksOf, documentsAndQuestions, MODEL, type Block } from '../prefix/prompts.fixture.ts';
import { COMMON_RATES, type MarkerTtl } from '../prefix/token-rates.ts';
import { cutBatches } from './wave-batches.ts';
import { planWaves, type WavePlan, type WaveTerms } from './waves.ts';

const TERMS: WaveTerms = { rates: COMMON_RATES, latencyTokens: 0, maxRequests: 100_000 };
const OUTPUT_TOKENS = 300;

function planned(prompts: readonly (readonly Block[])[], ttlClass: MarkerTtl = '1h'): PlacedPlan {
  const options = { markers: 'auto', profile: 'required', minimumTokens: () => 1024, ttlClass } as const;
  return planPrefixes(blocksOf(prompts), options);
}

function wavesOf(prompts: readonly (readonly Block[])[], terms: Partial<WaveTerms> = {}): WavePlan {
  return planWaves(planned(prompts), { ...TERMS, ...terms });
}

const summed = (usage: readonly PredictedUsage[], kind: keyof PredictedUsage): number =>
  usage.reduce((sum, each) => sum + each[kind], 0);

/** What all waves cost with the batch discount, in dollars. */
function dollarsOf({ usage, wave }: WavePlan): string {
  const counts = {
    inputTokens: summed(usage, 'input'),
    write5mTokens: summed(usage, 'written5m'),
    write1hTokens: summed(usage, 'written1h'),
    readTokens: summed(usage, 'read'),
    outputTokens: OUTPUT_TOKENS * wave.length,
  };
  const nanoUsd = billOf(MODEL, counts, { atMs: Date.UTC(2026, 9, 15), isBatch: true }) ?? 0;
  return (nanoUsd / 1e9).toFixed(nanoUsd < 1e9 ? 4 : 2);
}

const GRID_TOKENS = { document: 20_000, question: 50 };
const systemFirst = (prompts: readonly Block[][]): Block[][] =>
  prompts.map((prompt) => [{ text: 'system', tokens: 4000 }, ...prompt]);
/** One system prompt, 50 documents, 200 questions on each: 49 documents could write the system prompt again. */
const levels = systemFirst(documentsAndQuestions(50, 200, GRID_TOKENS));
const REWRITTEN = 49 * 4000 * 1.9;

describe('the worked figures', () => {
  it('V1 3 questions on 1 document cost $0.0109 in two waves', () => {
    const waves = wavesOf(documentsAndQuestions(1, 3, { document: 1248, question: 12 }));
    expect([waves.waveCount, dollarsOf(waves)]).toEqual([2, '0.0109']);
    expect(waves.usage).toEqual([
      { written5m: 0, written1h: 1248, read: 0, input: 12 },
      { written5m: 0, written1h: 0, read: 2496, input: 24 },
    ]);
  });

  it('V1 1,000 questions on each of 100 documents cost $538.20 in two waves', () => {
    const waves = wavesOf(documentsAndQuestions(100, 1000, GRID_TOKENS));
    expect([waves.waveCount, dollarsOf(waves)]).toEqual([2, '538.20']);
  });

  it('V1 500 questions on each of 200 documents cost $543.90 in two waves', () => {
    const waves = wavesOf(documentsAndQuestions(200, 500, GRID_TOKENS));
    expect([waves.waveCount, dollarsOf(waves)]).toEqual([2, '543.90']);
  });

  it('V1 a system prompt and 50 documents cost $62.11 in three waves', () => {
    const waves = wavesOf(levels);
    expect([waves.waveCount, dollarsOf(waves)]).toEqual([3, '62.11']);
    expect(summed(waves.usage, 'written1h')).toBe(1_004_000);
  });

  it('V5 and $62.67 in two, where a wave is worth more than what is written again', () => {
    const waves = wavesOf(levels, { latencyTokens: REWRITTEN + 1 });
    expect([waves.waveCount, dollarsOf(waves)]).toEqual([2, '62.67']);
    expect(summed(waves.usage, 'written1h')).toBe(1_200_000);
  });
});

describe('leaders', () => {
  it('V2 are one request for each chain, the one with the least of its own', () => {
    const prompts = documentsAndQuestions(2, 3, { document: 2000, question: 50 }).map((prompt) =>
      prompt.map((block) =>
        block.text === 'question 1' || block.text === 'question 5' ? { ...block, tokens: 7 } : block,
      ),
    );
    const waves = wavesOf(prompts);
    expect([...waves.isLeader]).toEqual([0, 1, 0, 0, 0, 1]);
    expect([...waves.wave]).toEqual([1, 0, 1, 1, 1, 0]);
  });

  it('V2 go with the branch that needs the most waves', () => {
    const flat = documentsAndQuestions(4, 3, { document: 2000, question: 50 });
    const deep = documentsAndQuestions(2, 3, { document: 2000, question: 50 }).map(([document, question]) => [
      { text: 'part', tokens: 2000 },
      { text: `deep ${document?.text}`, tokens: 2000 },
      { text: `deep ${question?.text}`, tokens: 50 },
    ]);
    const waves = wavesOf(systemFirst([...flat, ...deep]));
    // The first wave writes the system prompt, the part and one document in it: three waves instead of four.
    expect(waves.waveCount).toBe(3);
    expect(waves.isLeader.indexOf(1, flat.length)).toBe(waves.wave.indexOf(0));
  });
});

describe('waves', () => {
  it('V3 what shares nothing goes first, and does not wait for anybody', () => {
    const alone = Array.from({ length: 4 }, (_, i) => [{ text: `alone ${i}`, tokens: 3000 }]);
    const waves = wavesOf([...documentsAndQuestions(1, 3, { document: 2000, question: 50 }), ...alone]);
    expect([...waves.wave]).toEqual([0, 1, 1, 0, 0, 0, 0]);
    expect(wavesOf(alone).waveCount).toBe(1);
  });

  it('V5 are merged when that costs less than a wave is worth, and not when it costs as much', () => {
    expect(wavesOf(levels, { latencyTokens: REWRITTEN }).waveCount).toBe(3);
    expect(wavesOf(levels, { latencyTokens: REWRITTEN + 1 }).waveCount).toBe(2);
  });

  it('V5 followers wait for their leader however much a wave is worth', () => {
    expect(wavesOf(levels, { latencyTokens: Infinity }).waveCount).toBe(2);
  });

  it('V5 the cheapest level goes first', () => {
    const branch = (name: string, of: readonly Block[][]) =>
      of.map((prompt) => [{ text: name, tokens: 9000 }, ...prompt]);
    const leaf = (name: string): Block[][] =>
      Array.from({ length: 3 }, (_, i) => [
        { text: name, tokens: 2000 },
        { text: `${name} ${i}`, tokens: 5 },
      ]);
    const twig = (name: string) => [...leaf(`${name} left`), ...leaf(`${name} right`)];
    const tree = systemFirst([...branch('a', twig('a')), ...branch('b', twig('b'))]);
    // Without merging: system, a and its left; b and its left, and a's right; b's right; the followers of that.
    const apart = wavesOf(tree);
    const merged = wavesOf(tree, { latencyTokens: 9000 * 1.9 + 1 });
    expect([apart.waveCount, merged.waveCount]).toEqual([4, 3]);
    // b's right writes b for itself: 9,000. Merging the level before costs 4,000 for b and 13,000 for a's right.
    expect(summed(merged.usage, 'written1h') - summed(apart.usage, 'written1h')).toBe(9000);
  });

  it('V6 nobody waits for what lives five minutes: everybody writes it', () => {
    const plan = planned(documentsAndQuestions(2, 3, { document: 2000, question: 50 }), '5m');
    const waves = planWaves(plan, TERMS);
    expect(waves.waveCount).toBe(1);
    expect(waves.usage).toEqual([{ written5m: 12_000, written1h: 0, read: 0, input: 300 }]);
  });

  it('V6 nor for what lies below that, though it lives an hour itself', () => {
    const prompts = Array.from({ length: 6 }, (_, r): Block[] => [
      { text: 'system', tokens: 2000, mark: r < 3 ? '5m' : undefined },
      { text: 'document', tokens: 2000, mark: r < 3 ? undefined : '1h' },
      { text: `question ${r}`, tokens: 50 },
    ]);
    const options = { markers: 'respect', profile: 'required', minimumTokens: () => 1024 } as const;
    const plan = planPrefixes(blocksOf(prompts), options);
    expect([...plan.ttl]).toEqual([0, 1]);
    expect(planWaves(plan, TERMS).waveCount).toBe(1);
  });

  it('V6 a pair shares nothing that is worth an hour', () => {
    expect(wavesOf(documentsAndQuestions(50, 2, { document: 2000, question: 50 })).waveCount).toBe(1);
  });
});

describe('batches', () => {
  const prompts = documentsAndQuestions(3, 4, { document: 2000, question: 50 });

  it('V8 have the leaders of a wave apart from the rest, and first', () => {
    const waves = wavesOf([...prompts, [{ text: 'alone', tokens: 3000 }]]);
    expect(waves.batches.map(({ wave, isLeading, requests }) => [wave, isLeading, requests.length])).toEqual([
      [0, true, 3],
      [0, false, 1],
      [1, false, 9],
    ]);
  });

  it('V8 hold as many requests as they may', () => {
    const { batches } = wavesOf(prompts, { maxRequests: 4 });
    expect(batches.map(({ requests }) => requests.length)).toEqual([3, 4, 4, 1]);
  });

  it('V8 hold as many bytes as they may, and one request in any case', () => {
    const ofRequest = Array.from({ length: 12 }, (_, r) => (r === 5 ? 900 : 100));
    const { batches } = wavesOf(prompts, { maxBytes: { limit: 300, ofRequest } });
    expect(batches.map(({ requests }) => [...requests])).toEqual([[0, 4, 8], [1, 2, 3], [5], [6, 7, 9], [10, 11]]);
  });

  it('V9 hold whole groups, and singles where room is left', () => {
    const alone = [{ text: 'alone', tokens: 3000 }];
    const plan = planned([...prompts, alone]);
    const groups = { parent: plan.parent, of: plan.anchor };
    const { batches } = planWaves(plan, { ...TERMS, maxRequests: 4, groups });
    expect(batches.map(({ requests }) => [...requests])).toEqual([[0, 4, 8], [12], [1, 2, 3], [5, 6, 7], [9, 10, 11]]);
    const whole = cutBatches(new Uint32Array(13), new Uint8Array(13), { maxRequests: 5, groups });
    expect(whole.map(({ requests }) => [...requests])).toEqual([
      [0, 1, 2, 3, 12],
      [4, 5, 6, 7],
      [8, 9, 10, 11],
    ]);
  });
});
