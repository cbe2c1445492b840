import type { MicrosecondsUtc, RequestCounts } from '@batchwright/protocol';
import { assert, unreachable } from '../assertion.ts';
import type { BatchRecord } from './batch-record.ts';

/**
 * The life of a batch. SPEC.md B1–B10 is what this file means; every catalog applies it and nothing else.
 *
 *     in_progress ──cancel_requested──▶ canceling
 *          │                                │
 *          └──all_settled──▶ ended ◀──all_settled
 *                              ├─ retention_passed ─▶ ended, archived
 *                              └─ delete_requested ─▶ (removed)
 *
 * Invariant: status only moves along these arrows, a moment once set never changes, and a batch that has ended differs
 * from itself only by `archivedAtUs`.
 */
export type BatchEvent =
  | { readonly type: 'cancel_requested' }
  | { readonly type: 'all_settled'; readonly counts: RequestCounts }
  | { readonly type: 'retention_passed' }
  | { readonly type: 'delete_requested' };

/** What an event did to a batch. */
export type BatchTransition =
  | { readonly type: 'changed'; readonly batch: BatchRecord }
  | { readonly type: 'removed' }
  | {
      readonly type: 'ignored';
      readonly reason: 'already_canceling' | 'already_ended' | 'already_archived' | 'not_ended';
    }
  | { readonly type: 'refused'; readonly reason: 'still_running' };

/** Applies one event. Pure; an unchanged batch is never copied. */
export function transitionBatch(batch: BatchRecord, event: BatchEvent, nowUs: MicrosecondsUtc): BatchTransition {
  switch (event.type) {
    case 'cancel_requested':
      return cancel(batch, nowUs);
    case 'all_settled':
      return end(batch, event.counts, nowUs);
    case 'retention_passed':
      return archive(batch, nowUs);
    case 'delete_requested':
      return batch.status === 'ended' ? { type: 'removed' } : { type: 'refused', reason: 'still_running' };
    default:
      return unreachable(event);
  }
}

function cancel(batch: BatchRecord, nowUs: MicrosecondsUtc): BatchTransition {
  switch (batch.status) {
    case 'in_progress':
      return {
        type: 'changed',
        batch: { ...batch, status: 'canceling', cancelInitiatedAtUs: latest(nowUs, batch.createdAtUs) },
      };
    case 'canceling':
      return { type: 'ignored', reason: 'already_canceling' };
    case 'ended':
      return { type: 'ignored', reason: 'already_ended' };
    default:
      return unreachable(batch.status);
  }
}

function end(batch: BatchRecord, counts: RequestCounts, nowUs: MicrosecondsUtc): BatchTransition {
  if (batch.status === 'ended') return { type: 'ignored', reason: 'already_ended' };
  assertFinal(batch, counts);
  return { type: 'changed', batch: { ...batch, status: 'ended', counts, endedAtUs: endedAt(batch, counts, nowUs) } };
}

function archive(batch: BatchRecord, nowUs: MicrosecondsUtc): BatchTransition {
  if (batch.status !== 'ended') return { type: 'ignored', reason: 'not_ended' };
  if (batch.archivedAtUs !== null) return { type: 'ignored', reason: 'already_archived' };
  return { type: 'changed', batch: { ...batch, archivedAtUs: latest(nowUs, batch.endedAtUs ?? nowUs) } };
}

/**
 * Moments stay in order even when the clock went back between two of them, and a batch in which anything expired never
 * claims to have ended before its expiry: a reader may conclude one from the other.
 */
function endedAt(batch: BatchRecord, counts: RequestCounts, nowUs: MicrosecondsUtc): MicrosecondsUtc {
  const started = latest(batch.createdAtUs, batch.cancelInitiatedAtUs ?? batch.createdAtUs);
  const ended = latest(nowUs, started);
  return counts.expired > 0 ? latest(ended, batch.expiresAtUs) : ended;
}

function assertFinal(batch: BatchRecord, counts: RequestCounts): void {
  const { processing, succeeded, errored, canceled, expired } = counts;
  const whole = [succeeded, errored, canceled, expired].every((count) => Number.isInteger(count) && count >= 0);
  assert(
    whole && processing === 0 && succeeded + errored + canceled + expired === batch.requestCount,
    () =>
      `final counts of ${batch.id} must sum to ${batch.requestCount} with none processing: ${JSON.stringify(counts)}`,
  );
}

function latest(a: MicrosecondsUtc, b: MicrosecondsUtc): MicrosecondsUtc {
  return a >= b ? a : b;
}
