import assert from 'node:assert/strict';
import type { BatchId } from '@batchwright/protocol';

const BATCH_ID = /^msgbatch_[A-Za-z0-9]+$/;

/** Whether a name can be a batch's; anything else in the spool's directory is not ours to touch. */
export function isBatchId(name: string): name is BatchId {
  return BATCH_ID.test(name);
}

/** Every id passes here before it becomes part of a path, so that no caller's bytes can climb out of the spool. */
export function checkBatchId(batchId: BatchId): void {
  assert(isBatchId(batchId), `not a batch id: ${JSON.stringify(batchId)}`);
}
