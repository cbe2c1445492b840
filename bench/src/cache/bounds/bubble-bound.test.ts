import { makespanBound, planPrefixes } from '@batchwright/core';
import { expect, it } from 'vitest';
import { gridPrompts, type Grid } from '../prompts/grids.ts';
import { SONNET_4_5 } from '../workloads/models.ts';
import { uniquePrompts, W3_GRID } from '../workloads/shared-documents.ts';
import { bubbleBoundMs } from './bubble-bound.ts';

const TIMING = { baseMs: 1000, msPerUncachedToken: 0.25, answerMs: 19_000 } as const;

function bounds(grid: Grid, concurrency: number): { readonly workMs: number; readonly bubbleMs: number } {
  const { model, minimumTokens } = SONNET_4_5;
  const options = { markers: 'auto', profile: 'ignored', minimumTokens: () => minimumTokens } as const;
  const plan = planPrefixes(gridPrompts(grid, model), options);
  const { workMs } = makespanBound(plan, TIMING, concurrency);
  return { workMs, bubbleMs: bubbleBoundMs(plan, TIMING, concurrency, workMs) };
}

it('until the one document is warm, all places but one stand idle', () => {
  const grid = { documents: 1, questions: 100, documentTokens: 20_000, questionTokens: 50 };
  const { workMs, bubbleMs } = bounds(grid, 50);
  // 49 of 50 places for 1 s + 20,000 ÷ 4,000 s.
  expect(bubbleMs - workMs).toBeCloseTo((49 / 50) * 6000, 6);
});

it('a system prompt above 50 documents: one leader for 7 s, then the other 49 for 6 s', () => {
  const { workMs, bubbleMs } = bounds(W3_GRID, 1000);
  const firstMs = 7000 * 999;
  const thenMs = 6000 * (1000 - 1 - 199 - 49);
  expect(bubbleMs - workMs).toBeCloseTo((firstMs + thenMs) / 1000, 6);
  expect(bubbleMs).toBeGreaterThan(211_000);
  expect(bubbleMs).toBeLessThan(213_200);
});

it('what shares nothing has no bubble', () => {
  const prompts = uniquePrompts(SONNET_4_5.model, { count: 100 });
  const plan = planPrefixes(prompts, { markers: 'auto', profile: 'ignored', minimumTokens: () => 1024 });
  expect(bubbleBoundMs(plan, TIMING, 50, 1234)).toBe(1234);
});
