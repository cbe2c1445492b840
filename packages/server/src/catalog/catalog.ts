import type { BatchRecord, LedgerTotals, Prediction } from '@batchwright/core';
import type {
  BatchId,
  KeyId,
  MicrosecondsUtc,
  OrganizationId,
  RequestCounts,
  WorkspaceId,
} from '@batchwright/protocol';

/**
 * The catalog: which batches, workspaces and keys exist, and who owns which work. It speaks the lifecycle and not
 * tables, and holds no row per request, so its load does not grow with the size of a batch.
 *
 * Ownership. A shard is the part of a batch that one node dispatches; embedded, a batch is one shard (number 0). A
 * claim raises the shard's epoch and returns it in a lease; every write that needs ownership carries the lease and is
 * refused (`lost`) when the epoch has moved on, so that a node that was thought dead can change nothing.
 *
 * Every implementation passes `catalog.suite.ts`. Methods reject only when the world fails (disk, connection).
 */
export interface Catalog {
  /** The organisation this catalog belongs to; made once, at first open. */
  readonly organizationId: OrganizationId;

  readonly workspaces: WorkspaceCatalog;
  readonly batches: BatchCatalog;
  readonly shards: ShardCatalog;

  /** Resolves when a trivial read works; `/readyz` asks it. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface Workspace {
  readonly id: WorkspaceId;
  readonly name: string;
  readonly createdAtUs: MicrosecondsUtc;
  /** The workspace that keys belong to when none is named. Exactly one has it. */
  readonly isDefault: boolean;
}

/** A key as the catalog knows it: never the key itself. */
export interface ApiKey {
  readonly id: KeyId;
  readonly workspaceId: WorkspaceId;
  readonly name: string;
  /** The key's first characters and last four, for people to recognise it by. */
  readonly hint: string;
  readonly createdAtUs: MicrosecondsUtc;
  readonly expiresAtUs: MicrosecondsUtc | null;
  readonly revokedAtUs: MicrosecondsUtc | null;
}

export interface NewApiKey {
  readonly id: KeyId;
  readonly workspaceId: WorkspaceId;
  readonly name: string;
  readonly hint: string;
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
  readonly createdAtUs: MicrosecondsUtc;
  readonly expiresAtUs: MicrosecondsUtc | null;
}

export interface WorkspaceCatalog {
  /** The default workspace is made at first open with the id given there. */
  default(): Promise<Workspace>;
  find(id: WorkspaceId): Promise<Workspace | null>;
  /** Oldest first. */
  list(): Promise<readonly Workspace[]>;
  /** Names are unique; `name_taken` stores nothing. */
  create(workspace: Omit<Workspace, 'isDefault'>): Promise<'created' | 'name_taken'>;

  /** Storing a hash that is already there changes nothing and is `exists`. */
  addKey(key: NewApiKey): Promise<'created' | 'exists'>;
  /** The live key of this hash: not revoked, and not expired at `nowUs`. */
  findKey(sha256: string, nowUs: MicrosecondsUtc): Promise<ApiKey | null>;
  /** Oldest first, revoked ones included. */
  listKeys(): Promise<readonly ApiKey[]>;
  /** Revoking twice keeps the first moment. */
  revokeKey(id: KeyId, nowUs: MicrosecondsUtc): Promise<'revoked' | 'missing'>;

  /**
   * What the workspace's batches used, deleted ones included, by the UTC day on which it was recorded; both days belong
   * to it. Days with nothing are left out; oldest first.
   */
  usage(id: WorkspaceId, fromDay: string, toDay: string): Promise<readonly DayUsage[]>;
}

/** What one day came to. */
export interface DayUsage {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  readonly totals: LedgerTotals;
}

/** What a shard's results used and cost, as far as it was recorded. */
export interface LedgerCheckpoint {
  /** Result lines it covers, and their bytes: those beyond are read again when the shard is opened. */
  readonly rows: number;
  readonly bytes: number;
  /** What it gained since the last checkpoint counts for the day of this moment. */
  readonly atUs: MicrosecondsUtc;
  readonly totals: LedgerTotals;
}

/** What a batch was expected to cost, and what it came to. */
export interface BatchAccount {
  /** Null when nobody predicted. */
  readonly prediction: Prediction | null;
  /** Null until the first checkpoint. */
  readonly ledger: LedgerCheckpoint | null;
}

/** Where a page lies: `after_id` walks to older batches, `before_id` to newer ones. */
export type Cursor = { readonly type: 'first' } | { readonly type: 'after' | 'before'; readonly id: string };

export interface BatchPage {
  readonly batches: readonly BatchRecord[];
  /** More exist in the direction being paged. */
  readonly hasMore: boolean;
}

/** Fields that a new batch chooses; the rest of its record follows from them. */
export type NewBatch = Omit<
  BatchRecord,
  'status' | 'cancelInitiatedAtUs' | 'endedAtUs' | 'archivedAtUs' | 'counts' | 'createdAtUs' | 'expiresAtUs'
>;

export interface BatchCatalog {
  /**
   * Durable when it resolves. `createdAtUs` becomes `nowUs`, or one microsecond after the newest batch if that is later, so that
   * creation order is total; the batch expires exactly 24 hours after it. With `queueLimit`, refuses when the workspace's
   * requests still processing plus this batch's would exceed it.
   */
  create(
    batch: NewBatch,
    nowUs: MicrosecondsUtc,
    queueLimit: number | null,
    prediction?: Prediction | null,
  ): Promise<
    { readonly type: 'created'; readonly batch: BatchRecord } | { readonly type: 'queue_full'; readonly queued: number }
  >;
  /** Null for missing, deleted, and every other workspace's. */
  find(workspaceId: WorkspaceId, id: BatchId): Promise<BatchRecord | null>;
  /** Null as for `find`. Archived batches keep theirs. */
  account(workspaceId: WorkspaceId, id: BatchId): Promise<BatchAccount | null>;
  /** Newest first. A deleted batch still serves as a cursor; an id never seen in the workspace is `unknown_cursor`. */
  list(workspaceId: WorkspaceId, cursor: Cursor, limit: number): Promise<BatchPage | 'unknown_cursor'>;
  /** Applies `cancel_requested`; answers the batch as it is afterwards. */
  cancel(workspaceId: WorkspaceId, id: BatchId, nowUs: MicrosecondsUtc): Promise<BatchRecord | 'missing'>;
  /** Sets, changes or lifts the budget; answers the batch as it is afterwards. One that has ended stays as it is. */
  setBudget(workspaceId: WorkspaceId, id: BatchId, budgetNanoUsd: number | null): Promise<BatchRecord | 'missing'>;
  /** Applies `delete_requested`. The id stays behind as a tombstone, for cursors and for `deletedBatches`. */
  delete(
    workspaceId: WorkspaceId,
    id: BatchId,
    nowUs: MicrosecondsUtc,
  ): Promise<'deleted' | 'still_running' | 'missing'>;

  /** Ids whose segments may be removed from the spool because the batch was deleted; oldest first. */
  deletedBatches(limit: number): Promise<readonly BatchId[]>;
  /** Says that a deleted batch's segments are gone; `deletedBatches` stops naming it. */
  forgetSegments(id: BatchId): Promise<void>;
  /** Ended, unarchived batches created at or before `createdBeforeUs`; oldest first. */
  dueForArchive(createdBeforeUs: MicrosecondsUtc, limit: number): Promise<readonly BatchId[]>;
  /** Creation of the oldest batch that is neither archived nor deleted, so that the archivist knows how long to sleep. */
  oldestUnarchived(): Promise<MicrosecondsUtc | null>;
  /** Applies `retention_passed`. */
  archive(id: BatchId, nowUs: MicrosecondsUtc): Promise<void>;
  /** Whether a batch of this id is stored and not deleted, whatever its workspace; start-up removes segments of others. */
  exists(id: BatchId): Promise<boolean>;
  /** Batches by status, archived ones apart from the ended, and requests by counter, over all workspaces. */
  tally(): Promise<CatalogTally>;
}

export interface CatalogTally {
  readonly batches: Readonly<Record<BatchRecord['status'] | 'archived', number>>;
  readonly requests: RequestCounts;
}

/** The right to dispatch one shard, proved by its epoch. */
export interface Lease {
  readonly batch: BatchRecord;
  readonly shard: number;
  readonly epoch: number;
}

/** Outcome of a write under a lease: `lost` means another owner has claimed the shard since, and nothing was written. */
export type LeaseWrite = 'written' | 'lost';

export interface ShardCatalog {
  /**
   * Claims up to `limit` shards of batches that have not ended and whose lease is free or ran out at `nowUs`,
   * nearest expiry first; with `only`, shards of that batch alone.
   */
  claim(
    node: string,
    nowUs: MicrosecondsUtc,
    leaseMs: number,
    limit: number,
    only?: BatchId,
  ): Promise<readonly Lease[]>;
  /** Answers the batch as it is now, so that the owner sees a cancel made through another node; null when lost. */
  renew(lease: Lease, nowUs: MicrosecondsUtc, leaseMs: number): Promise<BatchRecord | null>;
  /** The shard's ledger as of its last checkpoint; null when there was none. */
  ledger(lease: Lease): Promise<LedgerCheckpoint | null>;
  /**
   * Checkpoints counters, and the ledger if there is one, while the batch runs. Neither goes back: what would take a
   * counter back or covers fewer lines, and what comes after the end, is `written` and changes nothing. What the ledger
   * gained is added to the usage of its workspace in the same step, and stays there when the batch is deleted.
   */
  recordProgress(lease: Lease, counts: RequestCounts, ledger?: LedgerCheckpoint): Promise<LeaseWrite>;
  /** Applies `all_settled`, once every shard of the batch has settled, together with the last checkpoint of its ledger. */
  end(lease: Lease, counts: RequestCounts, nowUs: MicrosecondsUtc, ledger?: LedgerCheckpoint): Promise<LeaseWrite>;
  /** Gives the shard back at once, for shutdown. */
  release(lease: Lease): Promise<LeaseWrite>;
  /**
   * Frees every shard that a former process of this node held, at start-up, by an owner that knows to be the only one.
   * Epochs stay, so that a lease of the former process can still write nothing.
   */
  releaseAll(node: string): Promise<void>;
}
