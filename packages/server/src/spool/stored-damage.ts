import type { BatchId } from '@batchwright/protocol';

/** The files of a batch that can be found damaged. */
export type StoredFile = 'body' | 'index' | 'results.jsonl' | 'done.log';

/** Where stored bytes are not what was written, as far as that is known. */
export interface DamagedPlace {
  readonly batchId: BatchId;
  readonly file: StoredFile;
  /** The first byte of the part that failed its check; null where only the whole file can be checked. */
  readonly byte: number | null;
  /** What is wrong there, in words. */
  readonly finding: string;
}

/**
 * Thrown when stored bytes do not pass their check: a disk that lost or changed what it had acknowledged, or somebody who
 * edited a file. Nothing here can mend it, and nothing that failed its check is given to anyone.
 */
export class StoredDamageError extends Error {
  override readonly name = 'StoredDamageError';
  readonly place: DamagedPlace;

  constructor(place: DamagedPlace) {
    const { batchId, file, byte, finding } = place;
    const where = byte === null ? '' : ` at byte ${byte}`;
    super(`${file} of ${batchId} is damaged${where}: ${finding}; restore the batch's directory from a backup`);
    this.place = place;
  }
}
