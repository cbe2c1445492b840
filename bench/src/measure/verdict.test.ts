import { describe, expect, it } from 'vitest';
import { atLeast, atMost, type Goal, type Row } from './figure.ts';
import { spreadOf } from './spread.ts';
import { judge } from './verdict.ts';

const row = (goal: Goal | null, values: readonly number[], ratios: readonly number[] | null = null): Row => ({
  id: 'P0',
  figure: 'a figure',
  unit: 's',
  value: spreadOf(values),
  baseline: null,
  ratio: ratios === null ? null : spreadOf(ratios),
  goal,
});

describe('verdict', () => {
  it('is met exactly at the bound, from both sides', () => {
    expect(judge(row(atLeast('value', 5), [5]))).toEqual({ type: 'met' });
    expect(judge(row(atMost('value', 5), [5]))).toEqual({ type: 'met' });
  });

  it('says how many times off a missed goal is, whichever side it bounds', () => {
    expect(judge(row(atLeast('value', 6), [3]))).toEqual({ type: 'missed', by: 2 });
    expect(judge(row(atMost('value', 3), [6]))).toEqual({ type: 'missed', by: 2 });
  });

  it('judges the median: one good round does not meet a goal', () => {
    expect(judge(row(atLeast('value', 6), [3, 3, 9])).type).toBe('missed');
  });

  it('judges the ratio where the goal is on the ratio', () => {
    expect(judge(row(atLeast('ratio', 0.4), [1], [0.5]))).toEqual({ type: 'met' });
    expect(() => judge(row(atLeast('ratio', 0.4), [1]))).toThrow('needs a baseline');
  });

  it('passes no verdict where there is no goal', () => {
    expect(judge(row(null, [1])).type).toBe('informs');
  });
});
