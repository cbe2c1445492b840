import type { BatchRecord } from '@batchwright/core';
import type { Problem } from '@batchwright/protocol';
import type { RequestLog, ResultReader } from '../spool/spool.ts';
import type { Room } from './call.ts';

/** The requests of a batch, as they were sent. */
export type OpenedRequests =
  | { readonly type: 'open'; readonly requests: RequestLog }
  | { readonly type: 'refused'; readonly problem: Problem };

/** Opens the requests of a batch, which are kept as long as its results. The caller closes them. */
export async function openRequests(room: Room, batch: BatchRecord): Promise<OpenedRequests> {
  const { catalog, spool } = room.services;
  const batchId = batch.id;
  if (batch.archivedAtUs !== null) return { type: 'refused', problem: { type: 'batch_archived', batchId } };
  try {
    return { type: 'open', requests: await spool.openRequestLog(batchId) };
  } catch (error) {
    // They may have gone since the batch was found.
    const now = await catalog.batches.find(batch.workspaceId, batchId);
    if (now === null) return { type: 'refused', problem: { type: 'batch_not_found', batchId } };
    if (now.archivedAtUs !== null) return { type: 'refused', problem: { type: 'batch_archived', batchId } };
    throw error;
  }
}

/**
 * The results of a batch as far as nothing can take them back; null when there are none. The caller closes them. Of results
 * some of which are damaged the others can be read: they were paid for, and each is checked by itself.
 */
export function openResults(room: Room, { id, status }: BatchRecord): Promise<ResultReader | null> {
  const { spool } = room.services;
  return status === 'ended' ? spool.readResults(id, { despiteDamage: true }) : spool.readDurableResults(id);
}
