/**
 * The catalog without a disk, for tests and simulations. It keeps the contract in the plainest way there is, arrays
 * and scans, so that it can serve as the oracle for the others. Nothing here survives the process.
 */
import assert from 'node:assert/strict';
import type { Catalog } from '../catalog.ts';
import { found, type CatalogSources } from '../founding.ts';
import { memoryBatches } from './memory-batches.ts';
import { memoryShards } from './memory-shards.ts';
import type { MemoryTables } from './memory-tables.ts';
import { memoryWorkspaces } from './memory-workspaces.ts';

/** A catalog in memory, founded anew. */
export function createMemoryCatalog(sources: CatalogSources): Catalog {
  const { organizationId, workspace } = found(sources);
  const tables: MemoryTables = { workspaces: [workspace], keys: [], batches: [], usage: [] };
  let closed = false;
  return {
    organizationId,
    workspaces: memoryWorkspaces(tables),
    batches: memoryBatches(tables),
    shards: memoryShards(tables),
    async ping() {
      assert(!closed, 'the catalog is closed');
    },
    async close() {
      closed = true;
    },
  };
}
