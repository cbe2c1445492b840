import type { Lease } from '../catalog/catalog.ts';

/** A lease that is held and whose batch is not open yet. */
export interface Opening {
  readonly lease: Lease;
  /** How often that failed so far, and the waits should it fail again: until it is tried, and until it is said. */
  readonly failures: number;
  readonly retryMs: number;
  readonly sayMs: number;
  /** Nothing is said of a failure before this. */
  readonly quietUntilMs: number;
}

const FIRST_RETRY_MS = 1000;
/** A batch that cannot be opened is tried again ever more slowly, up to this: its disk, or a backup, may come back. */
const LAST_RETRY_MS = 60_000;
/** And it is said ever more rarely, up to this. */
const LAST_SAY_MS = 60 * 60 * 1000;

/** What was never tried. */
export function firstOpening(lease: Lease): Opening {
  return { lease, failures: 0, retryMs: FIRST_RETRY_MS, sayMs: FIRST_RETRY_MS, quietUntilMs: 0 };
}

/** The opening to try after the wait of the one that failed, and whether the failure is to be said. */
export function nextOpening(failed: Opening, nowMs: number): { readonly next: Opening; readonly isSaid: boolean } {
  const isSaid = nowMs >= failed.quietUntilMs;
  const next = {
    lease: failed.lease,
    failures: failed.failures + 1,
    retryMs: Math.min(failed.retryMs * 2, LAST_RETRY_MS),
    sayMs: isSaid ? Math.min(failed.sayMs * 2, LAST_SAY_MS) : failed.sayMs,
    quietUntilMs: isSaid ? nowMs + failed.sayMs : failed.quietUntilMs,
  };
  return { next, isSaid };
}
