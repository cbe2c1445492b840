import { expect, test } from 'vitest';
import { systemClock, type TimerHost } from './system-clock.ts';

interface FakeTimer {
  readonly action: () => void;
  readonly delayMs: number;
  cleared: boolean;
}

function fakeHost(startMs: number) {
  const timers: FakeTimer[] = [];
  const state = { nowMs: startMs };
  const host: TimerHost<FakeTimer> = {
    now: () => state.nowMs,
    setTimeout(action, delayMs) {
      const timer = { action, delayMs, cleared: false };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => void (timer.cleared = true),
  };
  return { host, timers, state, last: () => timers.at(-1)! };
}

const HOUR_MS = 3_600_000;

test('set back, time goes on at half its pace from where it was, until the wall clock has caught up', () => {
  const { host, state } = fakeHost(HOUR_MS);
  const clock = systemClock(host);
  state.nowMs -= 1000;
  expect(clock.now()).toBe(HOUR_MS);
  for (let ms = 1; ms <= 2000; ms++) {
    state.nowMs += 1;
    expect(clock.now()).toBe(Math.floor(HOUR_MS + ms / 2));
  }
  expect(clock.now()).toBe(state.nowMs);
  state.nowMs += 1;
  expect(clock.now()).toBe(state.nowMs);
});

test('time never goes back, and setting a clock back and forward again gains nothing', () => {
  const { host, state } = fakeHost(1000 * HOUR_MS);
  const clock = systemClock(host);
  let latest = clock.now();
  for (let i = 0; i < 100; i++) {
    for (const step of [-HOUR_MS, 5000, HOUR_MS, 5000]) {
      state.nowMs += step;
      expect(clock.now()).toBeGreaterThanOrEqual(latest);
      latest = clock.now();
    }
  }
  expect(latest).toBe(state.nowMs);
});

test('a long delay fires once, when it is due, and never waits for longer than a host can', () => {
  const { host, state, timers, last } = fakeHost(0);
  const clock = systemClock(host);
  const delayMs = 29 * 24 * HOUR_MS;
  let fired = 0;
  clock.after(delayMs, () => (fired += 1));
  for (let next = last(); fired === 0; next = last()) {
    state.nowMs += next.delayMs;
    next.action();
  }
  expect(state.nowMs).toBe(delayMs);
  expect(Math.max(...timers.map((timer) => timer.delayMs))).toBeLessThan(2 ** 31);
});

test('a clock that is set forward ends a wait at the next look', () => {
  const { host, state, last } = fakeHost(0);
  let fired = 0;
  systemClock(host).after(24 * HOUR_MS, () => (fired += 1));
  state.nowMs += 25 * HOUR_MS;
  expect(last().delayMs).toBeLessThan(60_000);
  last().action();
  expect(fired).toBe(1);
});

test('a clock that is set back by a day holds a wait up for no more than as long again', () => {
  const { host, state, last } = fakeHost(48 * HOUR_MS);
  const clock = systemClock(host);
  let fired = 0;
  clock.after(10_000, () => (fired += 1));
  state.nowMs -= 24 * HOUR_MS;
  clock.now();
  let waitedMs = 0;
  for (let next = last(); fired === 0; next = last()) {
    state.nowMs += next.delayMs;
    waitedMs += next.delayMs;
    next.action();
  }
  expect(waitedMs).toBeLessThanOrEqual(20_010);
});

test('what fires never sees a time before its own, however early its host fires it', () => {
  const { host, state, timers, last } = fakeHost(0);
  const clock = systemClock(host);
  let fired = 0;
  clock.after(50, () => (fired += 1));
  state.nowMs = 49;
  last().action();
  expect(fired).toBe(0);
  expect(last().delayMs).toBe(1);
  state.nowMs = 50;
  last().action();
  expect(fired).toBe(1);
  expect(timers).toHaveLength(2);
});

test('a cancelled long timer is cleared at the host, whichever step it is in', () => {
  const { host, last } = fakeHost(0);
  const timer = systemClock(host).after(2 ** 31 + 5, () => undefined);
  last().action();
  timer.cancel();
  expect(last().cleared).toBe(true);
});
