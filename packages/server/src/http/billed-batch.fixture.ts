import { Ledger, NO_SHARE, type BatchRecord, type LedgerTotals, type Prediction } from '@batchwright/core';
import { makeId, microsecondsFromMs, type BatchId, type WorkspaceId } from '@batchwright/protocol';
import { randomBytes } from 'node:crypto';
import type { RunningBatch } from '../schedule/running-batch.ts';
import type { TestRoom } from './http.fixture.ts';

/** Totals of one answer: 10 tokens left, 1,000 written, 300 read, 20 answered. */
export function totalsOf(model: string, atMs = Date.UTC(2026, 10, 21)): LedgerTotals {
  const ledger = new Ledger();
  const tokens = { inputTokens: 10, write5mTokens: 1000, write1hTokens: 0, readTokens: 300, outputTokens: 20 };
  const share = { ...NO_SHARE, sharedTokens: 1300, leastTokens: 1000, outcome: 'cold' } as const;
  ledger.addUsage({ model, inferenceGeo: null, ...tokens }, share, { atMs, isBatch: true, isPriced: true });
  return ledger.totals;
}

/** Adds a batch of two requests with a prediction, one of which was answered and billed; it runs, or has ended. */
export async function addBilledBatch(
  room: TestRoom,
  stage: string,
  model = 'claude-sonnet-4-5',
  workspaceId: WorkspaceId = room.workspaces.w1,
): Promise<BatchRecord> {
  const { catalog, clock } = room;
  const nowUs = microsecondsFromMs(clock.now());
  const id = makeId('batch', (length) => randomBytes(length)) as BatchId;
  const totals = totalsOf(model);
  const prediction: Prediction = { prefixes: 1, sharingRequests: 2, totals };
  const options = { counts: 'live', markers: 'auto', budgetNanoUsd: null } as const;
  const terms = { apiVersion: '2023-06-01', betas: [], userProfileId: null, options } as const;
  await catalog.batches.create({ id, workspaceId, requestCount: 2, ...terms }, nowUs, null, prediction);
  const [lease] = await catalog.shards.claim('test', nowUs, 1000, 1, id);
  if (lease === undefined) throw new Error('nothing to claim');
  const ledger = { rows: 2, bytes: 200, atUs: nowUs, totals };
  const counts = { processing: 0, succeeded: 1, errored: 1, canceled: 0, expired: 0 };
  if (stage === 'ended') await catalog.shards.end(lease, counts, nowUs, ledger);
  else room.running.set(id, runningBatch(totals));
  return (await catalog.batches.find(workspaceId, id)) as BatchRecord;
}

function runningBatch(totals: LedgerTotals): RunningBatch {
  return {
    states: { pending: 0, dispatched: 1, backing_off: 0, settled: 1 },
    settledPerSecond: 0.05,
    turns: new Map([['leads', 1] as const, ['warm', 1] as const]),
    waitingForLeader: 0,
    openPrefixes: 1,
    ledger: { rows: 1, bytes: 100, atUs: microsecondsFromMs(0), totals },
    budget: { reservedNanoUsd: 0, isExhausted: false },
  };
}
