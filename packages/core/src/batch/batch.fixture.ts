import type { BatchId, MicrosecondsUtc, RequestCounts, WorkspaceId } from '@batchwright/protocol';
import type { BatchRecord } from './batch-record.ts';

/** Moments and records for tests of a batch's life. The created moment is arbitrary but has odd microseconds. */
export const CREATED_US = 1_800_000_000_123_456 as MicrosecondsUtc;
export const HOUR_US = 3_600_000_000;

export function after(us: number): MicrosecondsUtc {
  return (CREATED_US + us) as MicrosecondsUtc;
}

export function counts(changes: Partial<RequestCounts>): RequestCounts {
  return { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0, ...changes };
}

/** Ten requests, in progress. */
export function runningBatch(changes: Partial<BatchRecord> = {}): BatchRecord {
  return {
    id: 'msgbatch_01Abcdefghijkmnopqrstuvw' as BatchId,
    workspaceId: 'wrkspc_01Abcdefghijkmnopqrstuvw' as WorkspaceId,
    status: 'in_progress',
    createdAtUs: CREATED_US,
    expiresAtUs: after(24 * HOUR_US),
    cancelInitiatedAtUs: null,
    endedAtUs: null,
    archivedAtUs: null,
    requestCount: 10,
    counts: counts({ processing: 10 }),
    apiVersion: '2023-06-01',
    betas: [],
    userProfileId: null,
    options: { counts: 'live', markers: 'respect', budgetNanoUsd: null },
    ...changes,
  };
}

/** Canceled after an hour. */
export function cancelingBatch(): BatchRecord {
  return runningBatch({ status: 'canceling', cancelInitiatedAtUs: after(HOUR_US) });
}

/** Ended after two hours, all succeeded. */
export function endedBatch(): BatchRecord {
  return runningBatch({ status: 'ended', endedAtUs: after(2 * HOUR_US), counts: counts({ succeeded: 10 }) });
}

/** As ended, and archived after 29 days. */
export function archivedBatch(): BatchRecord {
  return { ...endedBatch(), archivedAtUs: after(29 * 24 * HOUR_US) };
}
