import { describe, expect, it } from 'vitest';
import {
  compactCounted,
  moneyAlike,
  byteText,
  compact,
  counted,
  grouped,
  money,
  percent,
  timeText,
} from './figures.ts';

describe('figures', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('groups %d as %s', (count, text) => expect(grouped(count)).toBe(text));

  it.each([
    [0, '0'],
    [834, '834'],
    [999, '999'],
    [1000, '1.0k'],
    [1234, '1.2k'],
    [9949, '9.9k'],
    [9951, '10k'],
    [45_300, '45k'],
    [999_400, '999k'],
    [999_600, '1.0M'],
    [1_300_000_000, '1.3G'],
  ])('shortens %d to %s', (count, text) => expect(compact(count)).toBe(text));

  it.each([
    [0, '$0.00'],
    [1, '$0.000000001'],
    [10_900_000, '$0.0109'],
    [123_456, '$0.00012'],
    [500_000_000, '$0.5000'],
    [999_999_999, '$1.00'],
    [538_200_000_000, '$538.20'],
    [1_234_567_890_000, '$1,234.57'],
    [-10_900_000, '-$0.0109'],
  ])('writes %d nano-dollars as %s', (nano, text) => expect(money(nano)).toBe(text));

  it.each([
    [0, 10, '0%'],
    [1, 1000, '<1%'],
    [42, 100, '42%'],
    [999, 1000, '>99%'],
    [10, 10, '100%'],
    [0, 0, '0%'],
  ])('says of %d in %d: %s', (part, whole, text) => expect(percent(part, whole)).toBe(text));

  it.each([
    [400, '0.4 s'],
    [12_300, '12 s'],
    [99_400, '99 s'],
    [180_000, '3 min'],
    [7_800_000, '2 h 10 min'],
    [7_200_000, '2 h'],
    [273_600_000, '3 d 4 h'],
  ])('writes %d ms as %s', (ms, text) => expect(timeText(ms)).toBe(text));

  it('writes bytes and counts with their words', () => {
    expect([12, 3400, 5_600_000].map(byteText)).toEqual(['12 B', '3.4 kB', '5.6 MB']);
    expect([counted(1, 'request'), counted(2000, 'request'), counted(2, 'batch', 'batches')]).toEqual([
      '1 request',
      '2,000 requests',
      '2 batches',
    ]);
  });
});

it('gives amounts beside each other the same decimals', () => {
  const usd = (...amounts: readonly number[]) => moneyAlike(amounts.map((amount) => amount * 1e9));
  expect(usd(0.5028, 2.9)).toEqual(['$0.50', '$2.90']);
  expect(usd(0.0123, 0.5, 0)).toEqual(['$0.0123', '$0.5000', '$0.0000']);
  expect(usd(1234.5, 0.001, -0.02, -0.001)).toEqual(['$1,234.50', '<$0.01', '-$0.02', '-<$0.01']);
  expect(usd(0.000088, 0.000063)).toEqual(['$0.000088', '$0.000063']);
  expect(usd(0)).toEqual(['$0.00']);
});

it('says one token of one', () => {
  expect([compactCounted(1, 'token'), compactCounted(0, 'token'), compactCounted(45_000, 'token')]).toEqual([
    '1 token',
    '0 tokens',
    '45k tokens',
  ]);
});
