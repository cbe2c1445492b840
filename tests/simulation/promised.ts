import type { BatchRecord } from '@batchwright/core';
import type { BatchId, RequestCounts, WorkspaceId } from '@batchwright/protocol';
import type { LedgerCheckpoint } from '../../packages/server/src/catalog/catalog.ts';

/** What the world remembers of a batch that was accepted, to hold the server to it. */
export interface Promised {
  readonly id: BatchId;
  readonly workspaceId: WorkspaceId;
  readonly customIds: readonly string[];
  readonly createdAtMs: number;
  /** Calls made when it was created. Its prompts may have been another batch's before, which it runs again. */
  readonly fromCall: number;
  /** Calls made when its prompts became another's. */
  toCall: number;
  /** Somebody asked to cancel it; whether that arrived is known only if `cancelledAtCall` is set. */
  cancelAsked: boolean;
  /** Calls made when the cancel was accepted; no later call may be this batch's. */
  cancelledAtCall: number | null;
  /** The furthest that polls have seen its counters go. */
  seen: RequestCounts | null;
  /** The results that somebody was shown while it ran. */
  shown: string;
  ended: boolean;
  deleted: boolean;
  /** What it had come to when it was deleted. */
  ledgerAtDeletion: LedgerCheckpoint | null;
}

export function promise(batch: BatchRecord, customIds: readonly string[], fromCall: number): Promised {
  return {
    ...{ id: batch.id, workspaceId: batch.workspaceId, customIds, createdAtMs: batch.createdAtUs / 1000 },
    ...{ fromCall, toCall: Number.POSITIVE_INFINITY, cancelAsked: false, cancelledAtCall: null },
    ...{ seen: null, shown: '', ended: false, deleted: false, ledgerAtDeletion: null },
  };
}
