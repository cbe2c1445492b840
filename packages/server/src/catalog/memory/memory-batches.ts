import assert from 'node:assert/strict';
import { transitionBatch } from '@batchwright/core';
import type { BatchId, WorkspaceId } from '@batchwright/protocol';
import type { BatchCatalog, BatchPage, CatalogTally, Cursor } from '../catalog.ts';
import { newRecord, withBudget } from '../stored-batch.ts';
import type { MemoryBatch, MemoryTables } from './memory-tables.ts';

export function memoryBatches({ workspaces, batches }: MemoryTables): BatchCatalog {
  const alive = () => batches.filter(({ deleted }) => !deleted);
  const byId = (id: BatchId) => alive().find(({ record }) => record.id === id);
  const within = (workspaceId: WorkspaceId, id: BatchId) => {
    const batch = byId(id);
    return batch?.record.workspaceId === workspaceId ? batch : undefined;
  };
  const idOf = ({ record }: MemoryBatch) => record.id;
  return {
    async create(batch, nowUs, queueLimit, prediction = null) {
      const queued = alive()
        .filter(({ record }) => record.workspaceId === batch.workspaceId)
        .reduce((sum, { record }) => sum + record.counts.processing, 0);
      if (queueLimit !== null && queued + batch.requestCount > queueLimit) return { type: 'queue_full', queued };
      assert(
        workspaces.some(({ id }) => id === batch.workspaceId),
        `no workspace ${batch.workspaceId}`,
      );
      assert(!batches.some(({ record }) => record.id === batch.id), `batch ${batch.id} exists`);
      const record = newRecord(batch, nowUs, batches.at(-1)?.record.createdAtUs ?? null);
      const lease = { node: null, epoch: 0, untilUs: 0 };
      batches.push({ record, deleted: false, segmentsForgotten: false, prediction, ledger: null, lease });
      return { type: 'created', batch: record };
    },
    find: async (workspaceId, id) => within(workspaceId, id)?.record ?? null,
    async account(workspaceId, id) {
      const batch = within(workspaceId, id);
      return batch === undefined ? null : { prediction: batch.prediction, ledger: batch.ledger };
    },
    list: async (workspaceId, cursor, limit) =>
      page(
        batches.filter(({ record }) => record.workspaceId === workspaceId),
        cursor,
        limit,
      ),
    async cancel(workspaceId, id, nowUs) {
      const batch = within(workspaceId, id);
      if (batch === undefined) return 'missing';
      const transition = transitionBatch(batch.record, { type: 'cancel_requested' }, nowUs);
      if (transition.type === 'changed') batch.record = transition.batch;
      return batch.record;
    },
    async setBudget(workspaceId, id, budgetNanoUsd) {
      const batch = within(workspaceId, id);
      if (batch === undefined) return 'missing';
      batch.record = withBudget(batch.record, budgetNanoUsd);
      return batch.record;
    },
    async delete(workspaceId, id, nowUs) {
      const batch = within(workspaceId, id);
      if (batch === undefined) return 'missing';
      if (transitionBatch(batch.record, { type: 'delete_requested' }, nowUs).type !== 'removed') return 'still_running';
      batch.deleted = true;
      return 'deleted';
    },
    deletedBatches: async (limit) =>
      batches
        .filter(({ deleted, segmentsForgotten }) => deleted && !segmentsForgotten)
        .slice(0, limit)
        .map(idOf),
    async forgetSegments(id) {
      const batch = batches.find(({ record, deleted }) => deleted && record.id === id);
      if (batch !== undefined) batch.segmentsForgotten = true;
    },
    dueForArchive: async (createdBeforeUs, limit) =>
      alive()
        .filter(({ record }) => record.status === 'ended' && record.archivedAtUs === null)
        .filter(({ record }) => record.createdAtUs <= createdBeforeUs)
        .slice(0, limit)
        .map(idOf),
    oldestUnarchived: async () =>
      alive().find(({ record }) => record.archivedAtUs === null)?.record.createdAtUs ?? null,
    async archive(id, nowUs) {
      const batch = byId(id);
      if (batch === undefined) return;
      const transition = transitionBatch(batch.record, { type: 'retention_passed' }, nowUs);
      if (transition.type === 'changed') batch.record = transition.batch;
    },
    exists: async (id) => byId(id) !== undefined,
    tally: async () => tally(alive()),
  };
}

/** `batches` are one workspace's, oldest first, tombstones included. */
function page(batches: readonly MemoryBatch[], cursor: Cursor, limit: number): BatchPage | 'unknown_cursor' {
  const at = cursor.type === 'first' ? -1 : batches.findIndex(({ record }) => record.id === cursor.id);
  if (cursor.type !== 'first' && at < 0) return 'unknown_cursor';
  const newestFirst = (items: readonly MemoryBatch[]) =>
    items
      .filter(({ deleted }) => !deleted)
      .map(({ record }) => record)
      .toReversed();
  if (cursor.type === 'before') {
    const newer = newestFirst(batches.slice(at + 1));
    return { batches: newer.slice(-limit), hasMore: newer.length > limit };
  }
  const older = newestFirst(cursor.type === 'first' ? batches : batches.slice(0, at));
  return { batches: older.slice(0, limit), hasMore: older.length > limit };
}

function tally(batches: readonly MemoryBatch[]): CatalogTally {
  const byState = { in_progress: 0, canceling: 0, ended: 0, archived: 0 };
  const requests = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  for (const { record } of batches) {
    byState[record.archivedAtUs === null ? record.status : 'archived'] += 1;
    for (const counter of Object.keys(requests) as (keyof typeof requests)[]) {
      requests[counter] += record.counts[counter];
    }
  }
  return { batches: byState, requests };
}
