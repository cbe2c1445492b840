import { RESULTS_RETENTION_MS, type MicrosecondsUtc, type ResultType } from '@batchwright/protocol';
import type { BatchRecord } from './batch-record.ts';

/** Whether nothing more of the batch may be dispatched at `nowUs`: it runs, and its 24 hours are over. */
export function isExpired(batch: BatchRecord, nowUs: MicrosecondsUtc): boolean {
  return batch.status !== 'ended' && nowUs >= batch.expiresAtUs;
}

/** Whether the results' 29 days, counted from creation however late the batch ended, are over at `nowUs`. */
export function isDueForArchive(batch: BatchRecord, nowUs: MicrosecondsUtc): boolean {
  return batch.status === 'ended' && batch.archivedAtUs === null && nowUs >= archiveAtUs(batch);
}

/** The moment a batch's results stop being kept, if it has ended by then. */
export function archiveAtUs(batch: BatchRecord): MicrosecondsUtc {
  return (batch.createdAtUs + RESULTS_RETENTION_MS * 1000) as MicrosecondsUtc;
}

/** What becomes of a request that was never answered: a cancel outranks the expiry that may follow it. */
export function leftoverResult(batch: BatchRecord): Extract<ResultType, 'canceled' | 'expired'> {
  return batch.cancelInitiatedAtUs === null ? 'expired' : 'canceled';
}
