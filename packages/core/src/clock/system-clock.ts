import type { Clock } from './clock.ts';

/** What a clock needs from its host; `setTimeout` fires once, `delayMs` later or a little before. */
export interface TimerHost<Handle> {
  now(): number;
  setTimeout(action: () => void, delayMs: number): Handle;
  clearTimeout(handle: Handle): void;
}

/** Hosts keep delays in 32 bits and fire longer ones at once; retention is 29 days, a little more than that holds. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;
/** Node counts its timers on another clock than the wall's, and so may fire up to a millisecond early by the latter. */
const EARLY_MS = 2;

/** The host's time, held still while the wall clock is set back, with timers of any length. */
export function systemClock<Handle>(host: TimerHost<Handle>): Clock {
  let latest = host.now();
  const now = (): number => (latest = Math.max(latest, host.now()));
  return {
    now,
    after(delayMs, action) {
      const dueMs = now() + delayMs;
      let handle: Handle;
      const finish = (): void => {
        const earlyMs = dueMs - now();
        // Once only: while the wall clock is set back, `now` stands still and would keep saying "early".
        if (earlyMs > 0 && earlyMs <= EARLY_MS && delayMs > 0) handle = host.setTimeout(action, earlyMs);
        else action();
      };
      const arm = (remainingMs: number): void => {
        const restMs = remainingMs - LONGEST_DELAY_MS;
        handle =
          restMs > 0 ? host.setTimeout(() => arm(restMs), LONGEST_DELAY_MS) : host.setTimeout(finish, remainingMs);
      };
      arm(Math.max(0, delayMs));
      return { cancel: () => host.clearTimeout(handle) };
    },
  };
}
