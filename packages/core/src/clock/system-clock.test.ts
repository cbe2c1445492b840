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

test('time stands still while the wall clock is set back', () => {
  const { host, state } = fakeHost(1000);
  const clock = systemClock(host);
  state.nowMs = 400;
  expect(clock.now()).toBe(1000);
  state.nowMs = 1001;
  expect(clock.now()).toBe(1001);
});

test('a delay longer than 32 bits of milliseconds fires once, when it is due', () => {
  const { host, state, timers, last } = fakeHost(0);
  const clock = systemClock(host);
  const delayMs = 29 * 24 * 60 * 60 * 1000;
  let fired = 0;
  clock.after(delayMs, () => (fired += 1));
  expect(last().delayMs).toBe(2 ** 31 - 1);
  state.nowMs += last().delayMs;
  last().action();
  expect(fired).toBe(0);
  expect(last().delayMs).toBe(delayMs - (2 ** 31 - 1));
  state.nowMs += last().delayMs;
  last().action();
  expect(fired).toBe(1);
  expect(timers).toHaveLength(2);
});

test('a timer that the host fires a millisecond early waits that millisecond, and only once', () => {
  const { host, state, timers, last } = fakeHost(0);
  const clock = systemClock(host);
  let fired = 0;
  clock.after(50, () => (fired += 1));
  state.nowMs = 49;
  last().action();
  expect(fired).toBe(0);
  expect(last().delayMs).toBe(1);
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
