import { describe, expect, it } from 'vitest';
import { SettleRate } from './settle-rate.ts';

function steady(perSecond: number, seconds: number): SettleRate {
  const rate = new SettleRate(0);
  for (let ms = 100; ms <= seconds * 1000; ms += 100) rate.settled(perSecond / 10, ms);
  return rate;
}

describe('the rate at which requests settle', () => {
  it.each([5, 60, 3600])('is that of a steady stream, after %i seconds', (seconds) => {
    expect(steady(20, seconds).perSecond(seconds * 1000)).toBeCloseTo(20, 0);
  });

  it('is nothing before anything settled', () => {
    expect(new SettleRate(0).perSecond(0)).toBe(0);
    expect(new SettleRate(0).perSecond(1e9)).toBe(0);
  });

  it('fades when nothing more settles, to a third in a minute', () => {
    const rate = steady(20, 600);
    const before = rate.perSecond(600_000);
    expect(rate.perSecond(660_000) / before).toBeCloseTo(1 / Math.E, 3);
  });

  it('is not blown up by a first moment', () => {
    const rate = new SettleRate(0);
    rate.settled(3, 0);
    expect(rate.perSecond(0)).toBeLessThan(4);
  });
});
