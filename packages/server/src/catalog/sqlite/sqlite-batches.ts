import {
  transitionBatch,
  type BatchEvent,
  type BatchRecord,
  type BatchTransition,
  type Prediction,
} from '@batchwright/core';
import type { BatchId, MicrosecondsUtc, RequestCounts, WorkspaceId } from '@batchwright/protocol';
import type { BatchCatalog, BatchPage, CatalogTally, Cursor } from '../catalog.ts';
import { newRecord, withBudget } from '../stored-batch.ts';
import { encodePrediction } from '../stored-ledger.ts';
import { batchOf } from './rows.ts';
import { findAccount } from './sqlite-ledgers.ts';
import type { SharedCommit } from './shared-commit.ts';
import type { Statements } from './statements.ts';

export function sqliteBatches(commits: SharedCommit, statements: Statements): BatchCatalog {
  const within = (workspaceId: WorkspaceId, id: BatchId) => {
    const batch = findBatch(statements, id);
    return batch?.workspaceId === workspaceId ? batch : null;
  };
  return {
    create: (batch, nowUs, queueLimit, prediction = null) =>
      commits.write(() => {
        const { queued } = statements.findQueued.get(batch.workspaceId) as { readonly queued: number | null };
        const queuedNow = queued ?? 0;
        if (queueLimit !== null && queuedNow + batch.requestCount > queueLimit) {
          return { type: 'queue_full', queued: queuedNow };
        }
        const { newest_us: newestUs } = statements.findNewest.get() as { readonly newest_us: MicrosecondsUtc | null };
        const record = newRecord(batch, nowUs, newestUs);
        insertBatch(statements, record, prediction);
        return { type: 'created', batch: record };
      }),
    find: async (workspaceId, id) => within(workspaceId, id),
    account: async (workspaceId, id) => findAccount(statements, workspaceId, id),
    list: async (workspaceId, cursor, limit) => listPage(statements, workspaceId, cursor, limit),
    cancel: (workspaceId, id, nowUs) =>
      commits.write(() => {
        const batch = within(workspaceId, id);
        if (batch === null) return 'missing';
        const transition = applyEvent(statements, batch, { type: 'cancel_requested' }, nowUs);
        return transition.type === 'changed' ? transition.batch : batch;
      }),
    setBudget: (workspaceId, id, budgetNanoUsd) =>
      commits.write(() => {
        const batch = within(workspaceId, id);
        if (batch === null) return 'missing';
        const changed = withBudget(batch, budgetNanoUsd);
        if (changed !== batch) statements.updateOptions.run(JSON.stringify(changed.options), id);
        return changed;
      }),
    delete: (workspaceId, id, nowUs) =>
      commits.write(() => {
        const batch = within(workspaceId, id);
        if (batch === null) return 'missing';
        const transition = transitionBatch(batch, { type: 'delete_requested' }, nowUs);
        if (transition.type !== 'removed') return 'still_running';
        statements.deleteShards.run(id);
        statements.deleteLedgers.run(id);
        statements.deleteBatch.run(nowUs, id);
        return 'deleted';
      }),
    deletedBatches: async (limit) => statements.listDeleted.all(limit).map(idOf),
    forgetSegments: (id) => commits.write(() => void statements.forgetSegments.run(id)),
    dueForArchive: async (createdBeforeUs, limit) => statements.listDueForArchive.all(createdBeforeUs, limit).map(idOf),
    async oldestUnarchived() {
      const row = statements.findOldestUnarchived.get() as { readonly created_at_us: MicrosecondsUtc } | undefined;
      return row?.created_at_us ?? null;
    },
    archive: (id, nowUs) =>
      commits.write(() => {
        const batch = findBatch(statements, id);
        if (batch !== null) applyEvent(statements, batch, { type: 'retention_passed' }, nowUs);
      }),
    exists: async (id) => statements.existsBatch.get(id) !== undefined,
    tally: async () => tally(statements),
  };
}

/** A batch that is stored and not deleted, whatever its workspace. */
export function findBatch(statements: Statements, id: BatchId): BatchRecord | null {
  const row = statements.findBatch.get(id);
  return row === undefined ? null : batchOf(row);
}

/** Applies an event and stores what changed. Only inside a transaction that read the batch. */
export function applyEvent(
  statements: Statements,
  batch: BatchRecord,
  event: BatchEvent,
  nowUs: MicrosecondsUtc,
): BatchTransition {
  const transition = transitionBatch(batch, event, nowUs);
  if (transition.type === 'changed') updateBatch(statements, transition.batch);
  return transition;
}

export function updateBatch(statements: Statements, batch: BatchRecord): void {
  statements.updateBatch.run(
    batch.status,
    batch.cancelInitiatedAtUs,
    batch.endedAtUs,
    batch.archivedAtUs,
    ...counters(batch.counts),
    batch.id,
  );
}

function insertBatch(statements: Statements, batch: BatchRecord, prediction: Prediction | null): void {
  statements.insertBatch.run(
    batch.id,
    batch.workspaceId,
    batch.status,
    batch.createdAtUs,
    batch.expiresAtUs,
    batch.requestCount,
    ...counters(batch.counts),
    batch.apiVersion,
    JSON.stringify(batch.betas),
    batch.userProfileId,
    JSON.stringify(batch.options),
    prediction === null ? null : encodePrediction(prediction),
  );
  statements.insertShard.run(batch.id, batch.expiresAtUs);
}

/** In the order in which every statement names them. */
function counters({ processing, succeeded, errored, canceled, expired }: RequestCounts): readonly number[] {
  return [processing, succeeded, errored, canceled, expired];
}

function idOf(row: unknown): BatchId {
  return (row as { readonly id: BatchId }).id;
}

/** Pages by position in the order of creation, so that a page costs the same wherever it lies. */
function listPage(
  statements: Statements,
  workspaceId: WorkspaceId,
  cursor: Cursor,
  limit: number,
): BatchPage | 'unknown_cursor' {
  if (cursor.type === 'first') return pageOf(statements.listNewest.all(workspaceId, limit + 1), limit);
  const row = statements.findCursor.get(cursor.id, workspaceId) as { readonly created_at_us: number } | undefined;
  if (row === undefined) return 'unknown_cursor';
  if (cursor.type === 'after') {
    return pageOf(statements.listOlder.all(workspaceId, row.created_at_us, limit + 1), limit);
  }
  const { batches, hasMore } = pageOf(statements.listNewer.all(workspaceId, row.created_at_us, limit + 1), limit);
  return { batches: batches.toReversed(), hasMore };
}

/** One row more than the page holds was asked for, to know whether there is more. */
function pageOf(rows: readonly unknown[], limit: number): BatchPage {
  return { batches: rows.slice(0, limit).map(batchOf), hasMore: rows.length > limit };
}

function tally(statements: Statements): CatalogTally {
  const batches = { in_progress: 0, canceling: 0, ended: 0, archived: 0 };
  const requests = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  type TallyRow = RequestCounts & { readonly state: keyof typeof batches; readonly batches: number };
  for (const row of statements.tally.all() as TallyRow[]) {
    batches[row.state] = row.batches;
    for (const counter of Object.keys(requests) as (keyof RequestCounts)[]) requests[counter] += row[counter];
  }
  return { batches, requests };
}
