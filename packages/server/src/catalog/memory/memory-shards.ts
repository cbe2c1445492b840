import { mergeTotals, transitionBatch } from '@batchwright/core';
import { formatDay } from '@batchwright/protocol';
import type { Lease, LedgerCheckpoint, ShardCatalog } from '../catalog.ts';
import { gainOf } from '../stored-ledger.ts';
import { withProgress } from '../stored-batch.ts';
import type { MemoryBatch, MemoryTables } from './memory-tables.ts';

export function memoryShards({ batches, usage }: MemoryTables): ShardCatalog {
  const held = ({ batch, shard, epoch }: Lease): MemoryBatch | undefined =>
    batches.find(
      (other) => !other.deleted && other.record.id === batch.id && shard === 0 && other.lease.epoch === epoch,
    );
  const recordLedger = (batch: MemoryBatch, next: LedgerCheckpoint | undefined): void => {
    const gain = next === undefined || batch.record.status === 'ended' ? null : gainOf(batch.ledger, next);
    if (next === undefined || gain === null) return;
    batch.ledger = next;
    if (gain.size === 0) return;
    const { workspaceId } = batch.record;
    const day = formatDay(next.atUs);
    const known = usage.find((row) => row.workspaceId === workspaceId && row.day === day);
    if (known === undefined) usage.push({ workspaceId, day, totals: gain });
    else known.totals = mergeTotals(known.totals, gain);
  };
  return {
    async claim(node, nowUs, leaseMs, limit, only) {
      return batches
        .filter(({ record, lease }) => record.status !== 'ended' && lease.untilUs <= nowUs)
        .filter(({ record }) => only === undefined || record.id === only)
        .toSorted((a, b) => a.record.expiresAtUs - b.record.expiresAtUs)
        .slice(0, limit)
        .map((batch) => {
          Object.assign(batch.lease, { node, epoch: batch.lease.epoch + 1, untilUs: nowUs + leaseMs * 1000 });
          return { batch: batch.record, shard: 0, epoch: batch.lease.epoch };
        });
    },
    async renew(lease, nowUs, leaseMs) {
      const batch = held(lease);
      if (batch === undefined) return null;
      batch.lease.untilUs = nowUs + leaseMs * 1000;
      return batch.record;
    },
    ledger: async (lease) => held(lease)?.ledger ?? null,
    async recordProgress(lease, counts, ledger) {
      const batch = held(lease);
      if (batch === undefined) return 'lost';
      const next = withProgress(batch.record, counts);
      recordLedger(batch, ledger);
      batch.record = next;
      return 'written';
    },
    async end(lease, counts, nowUs, ledger) {
      const batch = held(lease);
      if (batch === undefined) return 'lost';
      const transition = transitionBatch(batch.record, { type: 'all_settled', counts }, nowUs);
      recordLedger(batch, ledger);
      if (transition.type === 'changed') batch.record = transition.batch;
      return 'written';
    },
    async release(lease) {
      const batch = held(lease);
      if (batch === undefined) return 'lost';
      Object.assign(batch.lease, { node: null, untilUs: 0 });
      return 'written';
    },
    async releaseAll(node) {
      for (const { lease } of batches) if (lease.node === node) Object.assign(lease, { node: null, untilUs: 0 });
    },
  };
}
