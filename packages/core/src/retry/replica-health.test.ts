import { expect, it } from 'vitest';
import { ReplicaHealth, TRIAL_FIRST_MS, TRIAL_LAST_MS, TRIAL_PATIENCE_MS } from './replica-health.ts';

/** Down since `atMs`, after one failure. */
function downSince(atMs: number): ReplicaHealth {
  const health = new ReplicaHealth();
  health.failed(atMs - 1, atMs);
  return health;
}

it('H9 a replica that failed is passed over until its wait is over', () => {
  const health = downSince(100);
  expect(health.isDown).toBe(true);
  expect(health.isOpen(100)).toBe(false);
  expect(health.isOpen(100 + TRIAL_FIRST_MS - 1)).toBe(false);
  expect(health.isOpen(100 + TRIAL_FIRST_MS)).toBe(true);
});

it('H9 one to which nothing happened is open, and no call there is a trial', () => {
  const health = new ReplicaHealth();
  expect(health.isOpen(0)).toBe(true);
  expect(health.begun(0)).toBe(false);
});

it('H9 the very first call may fail in the first moment', () => {
  const health = new ReplicaHealth();
  health.failed(0, 0);
  expect(health.isOpen(0)).toBe(false);
});

it('H10 waits double with each trial that fails, up to a minute', () => {
  const health = downSince(0);
  let now = TRIAL_FIRST_MS;
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    expect(health.begun(now)).toBe(true);
    health.trialEnded();
    health.failed(now, now + 1);
    let wait = 0;
    while (!health.isOpen(now + 1 + wait)) wait += 500;
    waits.push(wait);
    now += 1 + wait;
  }
  expect(waits).toEqual([2000, 4000, 8000, 16_000, 32_000, TRIAL_LAST_MS, TRIAL_LAST_MS, TRIAL_LAST_MS]);
});

it('H10 calls that were in flight together fail once', () => {
  const health = downSince(100);
  for (let i = 0; i < 20; i++) health.failed(50, 100 + i);
  expect(health.isOpen(100 + TRIAL_FIRST_MS)).toBe(true);
});

it('H11 one call tries it, and another only when that is over or has been silent for long', () => {
  const health = downSince(0);
  health.begun(TRIAL_FIRST_MS);
  expect(health.isOpen(TRIAL_FIRST_MS + 1)).toBe(false);
  expect(health.isOpen(TRIAL_FIRST_MS + TRIAL_PATIENCE_MS)).toBe(true);
  health.trialEnded();
  expect(health.isOpen(TRIAL_FIRST_MS + 1)).toBe(true);
});

it('H12 an answer to a call that began after the failure opens it, with the first wait again at the next', () => {
  const health = downSince(0);
  health.failed(TRIAL_FIRST_MS, TRIAL_FIRST_MS);
  health.answered(TRIAL_FIRST_MS + 2000);
  expect(health.isDown).toBe(false);
  health.failed(10_000, 10_001);
  expect(health.isOpen(10_001 + TRIAL_FIRST_MS)).toBe(true);
});

it('H12 an answer to a call that was in flight at the failure opens nothing', () => {
  const health = downSince(100);
  health.answered(99);
  health.answered(100);
  expect(health.isDown).toBe(true);
});
