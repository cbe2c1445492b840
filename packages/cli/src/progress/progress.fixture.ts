import { Ledger } from '@batchwright/core';
import type { BatchProgress, RunProgress } from '@batchwright/client';

/** A run at one moment, in the middle of ten thousand requests unless a test says otherwise. */
export function progressOf(changes: Partial<RunProgress> = {}): RunProgress {
  return {
    phase: 'running',
    requests: 10_000,
    counts: { succeeded: 4190, errored: 15, canceled: 0, expired: 5 },
    retrying: 3,
    batches: [
      batchOf(0, { state: 'downloaded', settled: 2500 }),
      batchOf(1, { state: 'in_progress', settled: 1710, wave: 1 }),
      batchOf(2, { state: 'planned', id: null, wave: 1 }),
      batchOf(3, { state: 'planned', id: null, wave: 1 }),
    ],
    resultsPerSecond: 118,
    remainingMs: 49_000,
    totals: totalsOf(4190),
    expectedNanoUsd: 2_900_000_000,
    waitingFor: null,
    remedy: null,
    ...changes,
  };
}

export function batchOf(number: number, changes: Partial<BatchProgress> = {}): BatchProgress {
  const id = `msgbatch_01${String(number).padStart(4, '0')}AbCdEfGhJkMnPqRsTu`;
  return {
    number,
    id,
    state: 'in_progress',
    wave: 0,
    isLeading: false,
    requests: 2500,
    settled: 0,
    ...changes,
  };
}

function totalsOf(requests: number): RunProgress['totals'] {
  const ledger = new Ledger();
  const use = { inputTokens: 60, write5mTokens: 0, write1hTokens: 4, readTokens: 220, outputTokens: 30 };
  const share = {
    sharedTokens: 0,
    leastTokens: 0,
    longShare: 0,
    isFirst: false,
    outcome: null,
  } as const;
  const terms = { atMs: Date.parse('2026-11-21T00:00:00Z'), isBatch: true, isPriced: true };
  for (let i = 0; i < requests; i++) {
    ledger.addUsage({ model: 'claude-haiku-4-5', inferenceGeo: null, ...use }, share, terms);
  }
  return ledger.totals;
}
