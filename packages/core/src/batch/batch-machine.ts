import type { MicrosecondsUtc, RequestCounts } from '@batchwright/protocol';
import type { BatchRecord } from './batch-record.ts';

/** Everything that can happen to a batch after it was created. */
export type BatchEvent =
  | { readonly type: 'cancel_requested' }
  | { readonly type: 'all_settled'; readonly counts: RequestCounts }
  | { readonly type: 'retention_passed' }
  | { readonly type: 'delete_requested' };

export type BatchTransition =
  | { readonly type: 'changed'; readonly batch: BatchRecord }
  | { readonly type: 'removed' }
  | { readonly type: 'ignored'; readonly reason: 'already_canceling' | 'already_ended' | 'already_archived' | 'not_ended' }
  | { readonly type: 'refused'; readonly reason: 'still_running' };

/** SPEC.md B1–B9. Pure; an unchanged batch is never copied. */
export declare function transitionBatch(batch: BatchRecord, event: BatchEvent, nowUs: MicrosecondsUtc): BatchTransition;
