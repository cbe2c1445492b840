import { describe, expect, it } from 'vitest';
import { BatchBudget, expectedTokens } from './budget.ts';

const NOTHING = { nanoUsd: 0, answers: 0, outputTokens: 0 };

describe('a cap', () => {
  it('K3 too small for one request is used up from the start', () => {
    const budget = new BatchBudget(99, NOTHING);
    expect(budget.reserve(0, 100)).toBe(false);
    expect(budget).toMatchObject({ isExhausted: true, spentNanoUsd: 0, reservedNanoUsd: 0 });
  });

  it('K4 is open again once a request in flight is over, or it is changed', () => {
    const budget = new BatchBudget(150, NOTHING);
    budget.reserve(0, 100);
    budget.reserve(1, 100);
    expect(budget.isExhausted).toBe(true);
    budget.settle(0, 40, 1);
    expect(budget.isExhausted).toBe(false);
    expect(budget.reserve(1, 100)).toBe(true);
    expect(budget.reserve(2, 100)).toBe(false);
    budget.setCap(150);
    expect(budget.isExhausted).toBe(true);
    budget.setCap(300);
    expect(budget.isExhausted).toBe(false);
  });

  it('K4 is as it was after a request that had reserved nothing', () => {
    const budget = new BatchBudget(99, NOTHING);
    budget.reserve(0, 100);
    budget.release(0);
    expect(budget.isExhausted).toBe(true);
  });

  it('K5 that is absent holds nothing back and reserves nothing', () => {
    const budget = new BatchBudget(null, NOTHING);
    expect(budget.reserve(0, Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(budget.reservedNanoUsd).toBe(0);
    budget.settle(0, 70, 1);
    budget.setCap(100);
    expect(budget.reserve(1, 31)).toBe(false);
  });
});

describe('what a request is expected to cost', () => {
  it('K6 an answer is as long as the mean so far, 1,024 tokens before the first, and never above max_tokens', () => {
    const budget = new BatchBudget(1_000_000, NOTHING);
    expect([budget.answerTokens(null), budget.answerTokens(300), budget.answerTokens(4000)]).toEqual([1024, 300, 1024]);
    budget.settle(0, 1, 10);
    budget.settle(1, 1, 21);
    expect([budget.answerTokens(null), budget.answerTokens(3)]).toEqual([16, 3]);
    expect(new BatchBudget(1, { nanoUsd: 1, answers: 2, outputTokens: 31 }).answerTokens(null)).toBe(16);
  });

  it('K7 its prefix is read or written, and the rest is input or written', () => {
    const prompt = { prefixTokens: 1000, restTokens: 20 } as const;
    const none = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 7 };
    expect(expectedTokens({ ...prompt, prefix: 'read', rest: 'input' }, 7)).toEqual({
      ...none,
      readTokens: 1000,
      inputTokens: 20,
    });
    expect(expectedTokens({ ...prompt, prefix: 'write5m', rest: 'write5m' }, 7)).toEqual({
      ...none,
      write5mTokens: 1020,
    });
    expect(expectedTokens({ ...prompt, prefix: 'write1h', rest: 'input' }, 7)).toEqual({
      ...none,
      write1hTokens: 1000,
      inputTokens: 20,
    });
  });
});
