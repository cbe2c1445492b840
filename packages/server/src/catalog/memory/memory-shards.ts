import { transitionBatch } from '@batchwright/core';
import type { Lease, ShardCatalog } from '../catalog.ts';
import { withProgress } from '../stored-batch.ts';
import type { MemoryBatch, MemoryTables } from './memory-tables.ts';

export function memoryShards({ batches }: MemoryTables): ShardCatalog {
  const held = ({ batch, shard, epoch }: Lease): MemoryBatch | undefined =>
    batches.find(
      (other) => !other.deleted && other.record.id === batch.id && shard === 0 && other.lease.epoch === epoch,
    );
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
    async recordProgress(lease, counts) {
      const batch = held(lease);
      if (batch === undefined) return 'lost';
      batch.record = withProgress(batch.record, counts);
      return 'written';
    },
    async end(lease, counts, nowUs) {
      const batch = held(lease);
      if (batch === undefined) return 'lost';
      const transition = transitionBatch(batch.record, { type: 'all_settled', counts }, nowUs);
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
