import { describe, expect, it } from 'vitest';
import type { RequestTable } from './request-table.ts';
import { RunStatus } from './run-status.ts';

/** The time left of a hundred requests, of which so many settle, one every so often. */
function remainingAfter(settled: number, everyMs: number): number | null {
  let nowMs = 0;
  const status = new RunStatus({ now: () => nowMs, after: () => ({ cancel: () => undefined }) }, null);
  status.enter('running');
  for (let i = 0; i < settled; i++) {
    nowMs += everyMs;
    status.settled();
  }
  const table = { count: 100, settledCount: settled, counts: {}, retryingCount: 0 } as unknown as RequestTable;
  return status.progress(null, table, new Map()).remainingMs;
}

describe('the time left', () => {
  it('is not said of the first few, as the leaders of a first wave are', () => {
    expect(remainingAfter(9, 100)).toBeNull();
  });

  it('is said once a tenth is settled, or results have come steadily for a while', () => {
    expect(remainingAfter(10, 100)).toBeGreaterThan(0);
    expect(remainingAfter(8, 5000)).toBeGreaterThan(0);
  });
});
