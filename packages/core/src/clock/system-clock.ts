import type { Clock } from './clock.ts';

/** What a clock needs from its host; `setTimeout` fires once, `delayMs` later or a little before. */
export interface TimerHost<Handle> {
  now(): number;
  setTimeout(action: () => void, delayMs: number): Handle;
  clearTimeout(handle: Handle): void;
}

/**
 * Timers look at the clock at least this often. So a wait ends when the wall clock says so, also when that was set
 * forward or the machine slept, and hosts, which keep delays in 32 bits, can wait for the 29 days of retention.
 */
const LOOK_MS = 30_000;
/** More than this between two looks is no time that passed but a clock that was set. */
const STEP_MS = 2 * LOOK_MS;

/**
 * The host's time, with timers of any length that fire when this clock, and not only the host's, says that they are due.
 *
 * Set forward it follows at once. Set back it goes on from where it was, at half its pace, until the wall clock has caught
 * up: standing still would hold up every retry and every pause for as long as the clock was set back.
 */
export function systemClock<Handle>(host: TimerHost<Handle>): Clock {
  let wallMs = host.now();
  /** How far ahead of the wall clock this one is. */
  let leadMs = 0;
  const now = (): number => {
    const passedMs = host.now() - wallMs;
    wallMs += passedMs;
    if (passedMs < 0) leadMs -= passedMs;
    else if (leadMs > 0) leadMs = Math.max(0, leadMs - (passedMs > STEP_MS ? passedMs : passedMs / 2));
    return Math.floor(wallMs + leadMs);
  };
  return {
    now,
    after(delayMs, action) {
      const dueMs = now() + delayMs;
      let handle: Handle;
      const arm = (restMs: number): void => {
        handle = host.setTimeout(look, Math.min(Math.max(0, restMs), LOOK_MS));
      };
      const look = (): void => {
        const restMs = dueMs - now();
        if (restMs > 0) arm(restMs);
        else action();
      };
      arm(delayMs);
      return { cancel: () => host.clearTimeout(handle) };
    },
  };
}
