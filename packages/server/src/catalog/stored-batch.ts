import assert from 'node:assert/strict';
import type { BatchRecord } from '@batchwright/core';
import { BATCH_LIFETIME_MS, type MicrosecondsUtc, type RequestCounts } from '@batchwright/protocol';
import type { NewBatch } from './catalog.ts';

const LIFETIME_US = BATCH_LIFETIME_MS * 1000;

/** The record of a new batch, created now or just after the newest one, whichever is later. */
export function newRecord(batch: NewBatch, nowUs: MicrosecondsUtc, newestUs: MicrosecondsUtc | null): BatchRecord {
  const createdAtUs = newestUs === null || nowUs > newestUs ? nowUs : ((newestUs + 1) as MicrosecondsUtc);
  return {
    ...batch,
    status: 'in_progress',
    createdAtUs,
    expiresAtUs: (createdAtUs + LIFETIME_US) as MicrosecondsUtc,
    cancelInitiatedAtUs: null,
    endedAtUs: null,
    archivedAtUs: null,
    counts: { processing: batch.requestCount, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
  };
}

/** A batch with another budget; one that has ended is returned as it is. */
export function withBudget(batch: BatchRecord, budgetNanoUsd: number | null): BatchRecord {
  return batch.status === 'ended' ? batch : { ...batch, options: { ...batch.options, budgetNanoUsd } };
}

/**
 * A batch after a checkpoint. One that arrives late, so that it would take a counter back or touch a batch that has
 * ended, changes nothing, and the same record is returned.
 */
export function withProgress(batch: BatchRecord, counts: RequestCounts): BatchRecord {
  const { processing, succeeded, errored, canceled, expired } = counts;
  assert(
    processing >= 0 && processing + succeeded + errored + canceled + expired === batch.requestCount,
    `counts of ${batch.id} must sum to ${batch.requestCount}: ${JSON.stringify(counts)}`,
  );
  const forward = (['succeeded', 'errored', 'canceled', 'expired'] as const).every(
    (counter) => counts[counter] >= batch.counts[counter],
  );
  return forward && processing < batch.counts.processing && batch.status !== 'ended' ? { ...batch, counts } : batch;
}
