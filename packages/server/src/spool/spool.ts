import type { BatchId, ResultType } from '@batchwright/protocol';
import type { RequestIndex } from '@batchwright/scan';

/**
 * The spool: the bytes of batches. A batch is two append-only logs, requests in and results out; everything else is an
 * index. A request is settled exactly when its line is durable in the results log, and that log is what
 * `GET …/results` serves, byte for byte.
 *
 * Results are written under a shard's epoch. An implementation shared by nodes refuses an older epoch (`lost`); the
 * embedded one, which a lock keeps to one owner, records it.
 *
 * Every implementation passes `spool.suite.ts`. Methods reject only when the world fails; a full disk rejects with
 * `SpoolFullError` and leaves what was durable before intact, and stored bytes that do not pass their check reject with
 * `StoredDamageError`.
 */
export interface Spool {
  /** Starts the request log of a batch that does not exist yet. */
  createRequestLog(batchId: BatchId): Promise<RequestLogWriter>;
  openRequestLog(batchId: BatchId): Promise<RequestLog>;
  /**
   * Opens the results log for appending, after recovery: a torn end is cut, every whole line is kept. Whoever held the
   * log before is `lost` from here on; an opener whose epoch is older than an open log's is lost from the start.
   */
  openResultLog(batchId: BatchId, shard: number, epoch: number): Promise<ResultLog>;
  /**
   * The whole results log of an ended batch, for serving. Null when there is none. Of a log that is known to be damaged
   * only `despiteDamage` opens a reader: what is whole can be read by it, and a read that meets the damage rejects.
   */
  readResults(batchId: BatchId, asks?: { readonly despiteDamage: boolean }): Promise<ResultReader | null>;
  /** The part of a results log that no crash can take back, while results may still be added. Null when there is no log. */
  readDurableResults(batchId: BatchId): Promise<ResultReader | null>;
  /** Which request each line of a results log settles, for the lines that lie within its first `bytes` bytes, which it must have. */
  settledLines(batchId: BatchId, bytes: number): Promise<SettledLines>;
  /** Removes the results and requests of a batch. Removing what is not there is no error. */
  remove(batchId: BatchId): Promise<void>;
  /** Every batch with anything stored, complete or not; start-up removes those the catalog does not know. */
  list(): Promise<readonly BatchId[]>;
  close(): Promise<void>;
}

/** Thrown, wrapped around its cause, when the store has no space left. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

/** Blocks of a body are handed over in this size, but for the last. */
export const REQUEST_BLOCK_BYTES = 4 * 1024 * 1024;
/** Blocks lie at addresses, and are followed by readable bytes up to lengths, that are multiples of this. */
export const BLOCK_ALIGNMENT_BYTES = 4096;

export interface RequestLogWriter {
  /**
   * Appends a block of the body, verbatim. All but the last are exactly `REQUEST_BLOCK_BYTES`. Several appends may be in
   * flight; the block's bytes must not change until its promise resolves.
   */
  append(block: Uint8Array): Promise<void>;
  /** Makes body, index and plan durable. The batch is readable afterwards. What is given must not change until then. */
  commit(index: RequestIndex, plan?: Uint8Array | null): Promise<void>;
  /** Leaves no trace of the batch. */
  discard(): Promise<void>;
}

export interface RequestLog {
  readonly index: RequestIndex;
  /** The plan as it was committed. Null when there was none, or when it is damaged: it saves money, and no result needs it. */
  readonly plan: Uint8Array<ArrayBuffer> | null;
  /** The bytes of one request's params, as the client sent them. Valid until they are released, or nobody holds them. */
  readParams(request: number): Promise<Uint8Array>;
  /** The same without waiting when the bytes are already at hand, else null. Sequential readers find most at hand. */
  peekParams(request: number): Uint8Array | null;
  /**
   * Params that were read or peeked are looked at no more, and their memory may serve others. At most once for each time
   * that they were handed out; who never does costs memory only.
   */
  releaseParams(params: Uint8Array): void;
  /** Reads the body into `target` from `position`, for params too large to be held; answers how many bytes, 0 only at the end. */
  readBody(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Rows to be made durable together: whole lines back to back, and one entry per line in the same order. */
export interface ResultChunk {
  readonly lines: Uint8Array;
  readonly rows: readonly ResultRow[];
}

export interface ResultRow {
  /** Which request of the index. */
  readonly request: number;
  readonly type: ResultType;
  /** Bytes of the line, its newline included. */
  readonly lineBytes: number;
}

/** Requests and how they ended, as parallel arrays: `types[i]` indexes `RESULT_TYPES` and belongs to `requests[i]`. */
export interface SettledRequests {
  readonly requests: Uint32Array;
  readonly types: Uint8Array;
}

/** The lines of a results log in its order, back to back from its first byte, with what each of them settles. */
export interface SettledLines extends SettledRequests {
  /** Bytes of each line, its newline included. */
  readonly lineBytes: Uint32Array;
}

export interface RecoveryFindings {
  /** Results that had been written and are gone, or not as they were written: their requests are open again. */
  readonly lost: number;
  /** Results whose lines are whole and that nothing named any more; they count again. */
  readonly adopted: number;
}

export interface ResultLog {
  /** What recovery found: every request already settled, each once, in the order of the log. */
  readonly settled: SettledRequests;
  /** How far that is from what a crash leaves of a sound disk, and what was done about it. */
  readonly findings: RecoveryFindings;
  /** Durable when it resolves `written`. One commit at a time. */
  commit(chunk: ResultChunk): Promise<'written' | 'lost'>;
  /** Seconds the last sync took, for `/metrics`. */
  readonly lastSyncSeconds: number;
  close(): Promise<void>;
}

export interface ResultReader {
  readonly bytes: number;
  /**
   * Reads into `target` from `position`; answers how many bytes, 0 only at the end. The last byte of a line is given out
   * only if the whole line is as it was written.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}
