import type { BatchRecord } from '@batchwright/core';
import type { ApiKey, Workspace } from '../catalog.ts';

/** Everything a catalog in memory holds. */
export interface MemoryTables {
  readonly workspaces: Workspace[];
  readonly keys: { readonly sha256: string; key: ApiKey }[];
  /** Oldest first. Deleted ones stay as tombstones. */
  readonly batches: MemoryBatch[];
}

export interface MemoryBatch {
  record: BatchRecord;
  deleted: boolean;
  segmentsForgotten: boolean;
  /** Shard 0, the only one. */
  readonly lease: { node: string | null; epoch: number; untilUs: number };
}
