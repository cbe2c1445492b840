import { expect, it } from 'vitest';
import { RequestRate } from './request-rate.ts';

it('L3 a minute of calls may come at once; the next is told how long to wait', () => {
  const rate = new RequestRate(3, 0);
  expect(rate.take(0)).toEqual({ isAllowed: true, limit: 3, remaining: 2, resetAtMs: 20_000, retryAfterSeconds: 0 });
  expect(rate.take(0).remaining).toBe(1);
  expect(rate.take(0).remaining).toBe(0);
  expect(rate.take(0)).toEqual({ isAllowed: false, limit: 3, remaining: 0, resetAtMs: 60_000, retryAfterSeconds: 20 });
});

it('L3 waiting as long as was told is enough', () => {
  const rate = new RequestRate(7, 0);
  for (let call = 0; call < 7; call++) rate.take(0);
  const { retryAfterSeconds } = rate.take(100);
  expect(rate.take(100 + retryAfterSeconds * 1000).isAllowed).toBe(true);
});

it('L3 a refused call costs nothing', () => {
  const rate = new RequestRate(1, 0);
  rate.take(0);
  for (let at = 0; at < 60_000; at += 100) expect(rate.take(at).isAllowed).toBe(false);
  expect(rate.take(60_000).isAllowed).toBe(true);
});

it('L3 never names a wait of less than a second for a refused call', () => {
  const rate = new RequestRate(60_000, 0);
  for (let call = 0; call < 60_000; call++) rate.take(0);
  expect(rate.take(0).retryAfterSeconds).toBe(1);
});

it('L4 is idle when the whole limit is there again', () => {
  const rate = new RequestRate(2, 0);
  expect(rate.isIdle(0)).toBe(true);
  rate.take(0);
  expect(rate.isIdle(29_999)).toBe(false);
  expect(rate.isIdle(30_000)).toBe(true);
});
