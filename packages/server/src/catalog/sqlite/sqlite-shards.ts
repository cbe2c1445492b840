import type { BatchRecord } from '@batchwright/core';
import type { BatchId } from '@batchwright/protocol';
import type { Lease, LeaseWrite, ShardCatalog } from '../catalog.ts';
import { withProgress } from '../stored-batch.ts';
import type { SharedCommit } from './shared-commit.ts';
import { applyEvent, findBatch, updateBatch } from './sqlite-batches.ts';
import { findLedger, recordLedger } from './sqlite-ledgers.ts';
import type { Statements } from './statements.ts';

interface ClaimableRow {
  readonly batch_id: BatchId;
  readonly shard: number;
  readonly epoch: number;
}

export function sqliteShards(commits: SharedCommit, statements: Statements): ShardCatalog {
  const underLease = (lease: Lease, write: (batch: BatchRecord) => void): Promise<LeaseWrite> =>
    commits.write(() => {
      if (statements.findHeld.get(lease.batch.id, lease.shard, lease.epoch) === undefined) return 'lost';
      const batch = findBatch(statements, lease.batch.id);
      if (batch === null) return 'lost';
      write(batch);
      return 'written';
    });
  return {
    async claim(node, nowUs, leaseMs, limit, only) {
      const claimable = (most: number): ClaimableRow[] =>
        (only === undefined
          ? statements.listClaimable.all(nowUs, most)
          : statements.listClaimableOf.all(only, nowUs, most)) as ClaimableRow[];
      // Claims are asked for all the time and mostly find nothing; that must not take the write lock.
      if (claimable(1).length === 0) return [];
      return commits.write(() =>
        claimable(limit).flatMap((row) => {
          const batch = findBatch(statements, row.batch_id);
          if (batch === null) return [];
          const epoch = row.epoch + 1;
          statements.claimShard.run(epoch, node, nowUs + leaseMs * 1000, row.batch_id, row.shard);
          return [{ batch, shard: row.shard, epoch }];
        }),
      );
    },
    renew: (lease, nowUs, leaseMs) =>
      commits.write(() => {
        const until = nowUs + leaseMs * 1000;
        const { changes } = statements.renewLease.run(until, lease.batch.id, lease.shard, lease.epoch);
        return changes === 1 ? findBatch(statements, lease.batch.id) : null;
      }),
    ledger: async ({ batch, shard, epoch }) =>
      statements.findHeld.get(batch.id, shard, epoch) === undefined ? null : findLedger(statements, batch.id, shard),
    recordProgress: (lease, counts, ledger) =>
      underLease(lease, (batch) => {
        recordLedger(statements, batch, lease.shard, ledger);
        const next = withProgress(batch, counts);
        if (next !== batch) updateBatch(statements, next);
      }),
    end: (lease, counts, nowUs, ledger) =>
      underLease(lease, (batch) => {
        recordLedger(statements, batch, lease.shard, ledger);
        const transition = applyEvent(statements, batch, { type: 'all_settled', counts }, nowUs);
        if (transition.type === 'changed') statements.closeShards.run(batch.id);
      }),
    release: ({ batch, shard, epoch }) =>
      commits.write(() => (statements.releaseLease.run(batch.id, shard, epoch).changes === 1 ? 'written' : 'lost')),
    releaseAll: (node) => commits.write(() => void statements.releaseLeases.run(node)),
  };
}
