import {
  formatOptionalTimestamp,
  formatTimestamp,
  RESULT_TYPES,
  type MessageBatch,
  type RequestCounts,
  type ResultType,
} from '@batchwright/protocol';
import { assert } from '../assertion.ts';
import type { BatchRecord } from './batch-record.ts';

/** What a batch's record does not know of itself. */
export interface MessageBatchContext {
  /** Counters of the shard that runs here, or null when the batch does not run in this process. */
  readonly liveCounts: RequestCounts | null;
  /** Absolute URL of the batch's results, shown once they can be read there. */
  readonly resultsUrl: string;
}

/** The batch as the wire shows it, with every key in every stage. */
export function messageBatch(batch: BatchRecord, { liveCounts, resultsUrl }: MessageBatchContext): MessageBatch {
  const hasResults = batch.status === 'ended' && batch.archivedAtUs === null;
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: batch.status,
    request_counts: shownCounts(batch, liveCounts),
    ended_at: formatOptionalTimestamp(batch.endedAtUs),
    created_at: formatTimestamp(batch.createdAtUs),
    expires_at: formatTimestamp(batch.expiresAtUs),
    archived_at: formatOptionalTimestamp(batch.archivedAtUs),
    cancel_initiated_at: formatOptionalTimestamp(batch.cancelInitiatedAtUs),
    results_url: hasResults ? resultsUrl : null,
  };
}

function shownCounts(batch: BatchRecord, liveCounts: RequestCounts | null): RequestCounts {
  if (batch.status === 'ended') return batch.counts;
  if (batch.options.counts === 'strict') return counts(batch.requestCount, 0, 0, 0, 0);
  return runningCounts(batch, liveCounts ?? batch.counts);
}

/**
 * Checkpoint and live counters are both lower bounds of the truth, so the larger of each may be shown: a batch whose
 * shard moves between processes never seems to go back.
 */
function runningCounts(batch: BatchRecord, live: RequestCounts): RequestCounts {
  const larger = (type: ResultType): number => Math.max(0, live[type], batch.counts[type]);
  const settled = RESULT_TYPES.map(larger);
  const total = settled.reduce((sum, count) => sum + count, 0);
  assert(total <= batch.requestCount, () => `${batch.id} counts ${total} settled of ${batch.requestCount} requests`);
  if (total === batch.requestCount) holdOneBack(settled);
  const [succeeded = 0, errored = 0, canceled = 0, expired = 0] = settled;
  const processing = batch.requestCount - succeeded - errored - canceled - expired;
  return counts(processing, succeeded, errored, canceled, expired);
}

/**
 * Clients take `processing: 0` for "the results are there", which holds only once the batch has ended. The ledger's
 * `runningCounts` holds back the request that settled last, so that nothing goes back; here its type is not known any
 * more and the largest counter gives.
 */
function holdOneBack(settled: number[]): void {
  const largest = settled.indexOf(Math.max(...settled));
  settled[largest] = Math.max(0, (settled[largest] ?? 0) - 1);
}

function counts(
  processing: number,
  succeeded: number,
  errored: number,
  canceled: number,
  expired: number,
): RequestCounts {
  return { processing, succeeded, errored, canceled, expired };
}
