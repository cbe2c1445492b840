import { describe, expect, it } from 'vitest';
import { pairedRatio, quantile, spreadOf } from './spread.ts';

describe('spread', () => {
  it('takes the middle value of an odd number and the mean of the middle two of an even one', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spreadOf([9, 1, 5, 7])).toEqual({ median: 6, min: 1, max: 9 });
  });

  it('sorts by number and not by spelling', () => {
    expect(spreadOf([10, 9, 100]).median).toBe(10);
  });

  it('interpolates quantiles and gives the extremes at 0 and 1', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect([quantile([1, 2, 3], 0), quantile([1, 2, 3], 1)]).toEqual([1, 3]);
  });

  it('pairs ratios by round, so that the median is of ratios and not a ratio of medians', () => {
    expect(pairedRatio([1, 10, 6], [2, 10, 3])).toEqual({ median: 1, min: 0.5, max: 2 });
  });

  it('refuses to summarise nothing', () => {
    expect(() => spreadOf([])).toThrow('no values');
    expect(() => pairedRatio([1], [])).toThrow('no baseline');
  });
});
