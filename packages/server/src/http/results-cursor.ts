import type { BatchId } from '@batchwright/protocol';
import { createHash } from 'node:crypto';

const OFFSET_BYTES = 6;
const PROOF_BYTES = 10;

/**
 * A place in the results of a batch, as clients carry it: where a line begins, in bytes, and a digest of that and the
 * batch, so that what was cut short or belongs to another batch is found out. It is no secret, and opens nothing.
 */
export function writeCursor(batchId: BatchId, offset: number): string {
  const token = Buffer.alloc(OFFSET_BYTES + PROOF_BYTES);
  token.writeUIntBE(offset, 0, OFFSET_BYTES);
  createHash('sha256').update(`${batchId} ${offset}`).digest().copy(token, OFFSET_BYTES, 0, PROOF_BYTES);
  return token.toString('base64url');
}

/** The offset a cursor stands for; null when it is none of this batch's. */
export function readCursor(batchId: BatchId, cursor: string): number | null {
  const token = Buffer.from(cursor, 'base64url');
  if (token.length !== OFFSET_BYTES + PROOF_BYTES) return null;
  const offset = token.readUIntBE(0, OFFSET_BYTES);
  return writeCursor(batchId, offset) === cursor ? offset : null;
}
