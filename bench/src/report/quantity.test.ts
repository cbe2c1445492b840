import { describe, expect, it } from 'vitest';
import { formatNumber, formatSpread } from './quantity.ts';

describe('quantities', () => {
  it.each([
    [0, '0'],
    [0.01234, '0.0123'],
    [0.5, '0.500'],
    [12.345, '12.3'],
    [813.4, '813'],
    [49_600.2, '49 600'],
    [1_234_567, '1 234 567'],
    [-3.2, '-3.20'],
  ])('%d reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('shows the spread, and leaves it out when every round said the same', () => {
    expect(formatSpread({ median: 2, min: 1, max: 3 }, 's')).toBe('2.00 s [1.00..3.00]');
    expect(formatSpread({ median: 2, min: 2, max: 2 }, '')).toBe('2.00');
  });
});
