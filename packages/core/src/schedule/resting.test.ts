import { expect, it } from 'vitest';
import { grid, planOf } from './plan.fixture.ts';
import { PrefixSchedule } from './prefix-schedule.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import type { Room } from './turn.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';

const WRITTEN = { readTokens: 0, createdTokens: 20_000 };

/** Calls last longer than entries live, so those of one prefix are spread. */
const room = (nowMs: number): Room => ({ nowMs, idle: 2, concurrency: 4, firstByteMs: 6000, durationMs: 400_000 });

it('S4 a schedule that spreads its calls is told when another of its prefixes turns warm', () => {
  const { plan } = planOf(grid(2, 20));
  const schedule = new PrefixSchedule(plan, new PrefixWarmth(UPSTREAM_PROFILES.anthropic), () => true);
  const leaders = [schedule.take(room(0)), schedule.take(room(0))];
  expect(leaders.map((turn) => turn?.role)).toEqual(['leader', 'leader']);
  for (const turn of leaders) schedule.started(turn?.request ?? -1, 0);
  schedule.firstByte(leaders[0]?.request ?? -1, WRITTEN, 6000);
  while (schedule.take(room(6000)) !== null);
  expect(schedule.isReady(6000)).toBe(false);
  expect(schedule.nextWakeMs()).toBeGreaterThan(30_000);
  let told = 0;
  schedule.onReadiness = () => void told++;
  schedule.firstByte(leaders[1]?.request ?? -1, WRITTEN, 7000);
  expect(schedule.isReady(7000)).toBe(true);
  expect(told).toBe(1);
});
