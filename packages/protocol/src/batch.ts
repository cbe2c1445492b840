import type { BatchId } from './ids.ts';

/** The life of a batch as the API spells it. No other value exists. */
export type ProcessingStatus = 'in_progress' | 'canceling' | 'ended';

/** Tallies of a batch's requests. The five always sum to the number submitted. */
export interface RequestCounts {
  readonly processing: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
}

/** The MessageBatch object; every key is always present. Timestamps are RFC 3339, UTC, microseconds, `Z`. */
export interface MessageBatch {
  readonly id: BatchId;
  readonly type: 'message_batch';
  readonly processing_status: ProcessingStatus;
  readonly request_counts: RequestCounts;
  readonly ended_at: string | null;
  readonly created_at: string;
  readonly expires_at: string;
  readonly archived_at: string | null;
  readonly cancel_initiated_at: string | null;
  readonly results_url: string | null;
}

export interface DeletedMessageBatch {
  readonly id: BatchId;
  readonly type: 'message_batch_deleted';
}

/** One page of a list, newest first whatever the cursor's direction. */
export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

/** How one request ended. */
export type ResultType = 'succeeded' | 'errored' | 'canceled' | 'expired';
export const RESULT_TYPES: readonly ResultType[] = ['succeeded', 'errored', 'canceled', 'expired'];
