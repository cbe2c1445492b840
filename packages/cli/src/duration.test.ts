import { expect, it } from 'vitest';
import { durationMs } from './duration.ts';

it.each([
  ['90m', 90 * 60_000],
  ['12h', 12 * 3_600_000],
  ['30d', 30 * 86_400_000],
  ['2w', 14 * 86_400_000],
  ['3650d', 3650 * 86_400_000],
])('reads %s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

it.each(['', '30', 'd', '0d', '-1d', '1.5h', '30 d', '30s', '3651d', '1d2h'])('refuses %j', (text) => {
  expect(durationMs(text)).toBeUndefined();
});
