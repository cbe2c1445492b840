import type { BatchRecord, LedgerTotals, Prediction } from '@batchwright/core';
import type { WorkspaceId } from '@batchwright/protocol';
import type { ApiKey, LedgerCheckpoint, Workspace } from '../catalog.ts';

/** Everything a catalog in memory holds. */
export interface MemoryTables {
  readonly workspaces: Workspace[];
  readonly keys: { readonly sha256: string; key: ApiKey }[];
  /** Oldest first. Deleted ones stay as tombstones. */
  readonly batches: MemoryBatch[];
  readonly usage: { readonly workspaceId: WorkspaceId; readonly day: string; totals: LedgerTotals }[];
}

export interface MemoryBatch {
  record: BatchRecord;
  deleted: boolean;
  segmentsForgotten: boolean;
  readonly prediction: Prediction | null;
  ledger: LedgerCheckpoint | null;
  /** Shard 0, the only one. */
  readonly lease: { node: string | null; epoch: number; untilUs: number };
}
