import { expect, it } from 'vitest';
import { PauseByReason, PROBE_FIRST_MS, PROBE_LAST_MS } from './pause-by-reason.ts';

const T0 = 1_000_000;

function pausedBy(...reasons: ('spend_cap' | 'credential' | 'operator' | 'storage')[]): PauseByReason {
  const pauses = new PauseByReason();
  for (const reason of reasons) pauses.pause(reason, `because of ${reason}`, T0);
  return pauses;
}

it('P1 resuming one reason leaves the others in force', () => {
  const pauses = pausedBy('operator', 'credential');
  pauses.resume('credential');
  expect(pauses.isPaused).toBe(true);
  expect(pauses.list().map((pause) => pause.reason)).toEqual(['operator']);
  pauses.resume('operator');
  expect(pauses.isPaused).toBe(false);
});

it('P1 resuming what was not paused changes nothing', () => {
  const pauses = pausedBy('operator');
  pauses.resume('spend_cap');
  expect(pauses.isPaused).toBe(true);
});

it('P2 says why and since when, with the latest words', () => {
  const pauses = pausedBy('spend_cap');
  pauses.pause('spend_cap', 'still', T0 + 5);
  expect(pauses.list()).toEqual([
    { reason: 'spend_cap', message: 'still', sinceMs: T0, probeAtMs: T0 + PROBE_FIRST_MS },
  ]);
});

it('P3 gives one probe when it is due, and the next a wait later', () => {
  const pauses = pausedBy('spend_cap');
  expect(pauses.takeProbe(T0 + PROBE_FIRST_MS - 1)).toBe(false);
  expect(pauses.takeProbe(T0 + PROBE_FIRST_MS)).toBe(true);
  expect(pauses.takeProbe(T0 + PROBE_FIRST_MS)).toBe(false);
  expect(pauses.takeProbe(T0 + 2 * PROBE_FIRST_MS)).toBe(true);
});

it('P3 gives a probe again of which no call came, and only once', () => {
  const pauses = pausedBy('spend_cap');
  const due = T0 + PROBE_FIRST_MS;
  pauses.takeProbe(due);
  pauses.returnProbe(due + 5);
  expect(pauses.takeProbe(due + 5)).toBe(true);
  pauses.pause('spend_cap', 'still', due + 6);
  pauses.returnProbe(due + 7);
  expect(pauses.probeAtMs()).toBe(due + 6 + 2 * PROBE_FIRST_MS);
});

it('P3 gives no probe when nothing is paused', () => {
  expect(new PauseByReason().takeProbe(T0)).toBe(false);
  expect(new PauseByReason().probeAtMs()).toBeNull();
});

it('P4 waits double with each refused probe, from 30 s to 10 min', () => {
  const pauses = pausedBy('credential');
  const waits: number[] = [];
  let now = T0;
  for (let i = 0; i < 8; i++) {
    const due = pauses.probeAtMs() ?? Number.NaN;
    waits.push((due - now) / 1000);
    now = due;
    expect(pauses.takeProbe(now)).toBe(true);
    pauses.pause('credential', 'still', now);
  }
  expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600]);
  expect(waits.at(-1)).toBe(PROBE_LAST_MS / 1000);
});

it('P4 refusals of calls that were in flight at the pause count once', () => {
  const pauses = pausedBy('credential');
  for (let i = 0; i < 64; i++) pauses.pause('credential', 'still', T0 + i);
  expect(pauses.probeAtMs()).toBe(T0 + PROBE_FIRST_MS);
});

it('P4 one refused probe lengthens the wait once, whatever else is refused with it', () => {
  const pauses = pausedBy('credential');
  const due = T0 + PROBE_FIRST_MS;
  pauses.takeProbe(due);
  for (let i = 0; i < 5; i++) pauses.pause('credential', 'still', due);
  expect(pauses.probeAtMs()).toBe(due + 2 * PROBE_FIRST_MS);
});

it('P5 a call that began after the pause and was served lifts what the upstream caused', () => {
  const pauses = pausedBy('credential', 'spend_cap', 'storage');
  pauses.served(T0 + 1);
  expect(pauses.list().map((pause) => pause.reason)).toEqual(['storage']);
});

it('P5 a call that was in flight at the pause lifts nothing', () => {
  const pauses = pausedBy('credential');
  pauses.served(T0);
  expect(pauses.isPaused).toBe(true);
});

it('P5 a pause after a lifted one begins with the first wait again', () => {
  const pauses = pausedBy('credential');
  pauses.takeProbe(T0 + PROBE_FIRST_MS);
  pauses.pause('credential', 'still', T0 + PROBE_FIRST_MS);
  pauses.served(T0 + PROBE_FIRST_MS + 1);
  pauses.pause('credential', 'again', T0 + 100_000);
  expect(pauses.probeAtMs()).toBe(T0 + 100_000 + PROBE_FIRST_MS);
});

it('P6 no probe passes a pause that only its owner can lift', () => {
  const pauses = pausedBy('credential', 'operator');
  expect(pauses.probeAtMs()).toBeNull();
  expect(pauses.takeProbe(T0 + PROBE_LAST_MS)).toBe(false);
  pauses.resume('operator');
  expect(pauses.takeProbe(T0 + PROBE_LAST_MS)).toBe(true);
});
