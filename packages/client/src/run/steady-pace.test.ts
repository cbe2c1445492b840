import { describe, expect, it } from 'vitest';
import { SteadyPace } from './steady-pace.ts';

function paceOf(...secondsOfResults: readonly number[]): SteadyPace {
  const pace = new SteadyPace();
  for (const second of secondsOfResults) pace.settled(second * 1000);
  return pace;
}

describe('a pace', () => {
  it('is steady once results came for half a minute without a pause', () => {
    const pace = paceOf(0, 8, 16, 24);
    expect([pace.isSteady(29_000), pace.isSteady(30_000)]).toEqual([false, true]);
  });

  it('is not after one gust, nor long after the last result', () => {
    expect(paceOf(5, 5, 6).isSteady(40_000)).toBe(false);
    expect(paceOf(0, 9, 18, 27, 36).isSteady(47_000)).toBe(false);
    expect(paceOf().isSteady(0)).toBe(false);
  });

  it('begins anew after a pause', () => {
    const pace = paceOf(0, 9, 18, 27, 60, 69);
    expect(pace.isSteady(70_000)).toBe(false);
    for (const second of [78, 87]) pace.settled(second * 1000);
    expect(pace.isSteady(90_000)).toBe(true);
  });
});
