import type { JournalEntry } from '../journal/journal-entry.ts';

/**
 * Where a run keeps what must outlive its process: a journal of what was done, and logs of bytes. Whatever the journal
 * says is durable; a log may end in bytes that no journal entry vouches for, which whoever opens it cuts.
 *
 * Every implementation passes `run-store.suite.ts`.
 */
export interface RunStore {
  /** What was noted before, oldest first. A torn last entry is cut off; any other damage rejects. */
  readJournal(): Promise<readonly JournalEntry[]>;
  /** Notes one entry. Durable once it resolves; where it rejects, nothing was noted. */
  appendJournal(entry: JournalEntry): Promise<void>;
  /** Opens a log, made when there is none. One opening at a time. */
  openLog(name: LogName): Promise<ByteLog>;
  /** Removes a log that is not open. Removing what is not there is no error. */
  removeLog(name: LogName): Promise<void>;
  /** Removes everything, the journal too: the run has never been. No log may be open. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** `requests`: their lines; `batch-N`: who goes in it; `results-N`: what was downloaded of it. */
export type LogName = 'requests' | `batch-${number}` | `results-${number}`;

/** Bytes that only grow. Calls take effect in the order they are made. */
export interface ByteLog {
  /** Bytes, those not synced included. */
  readonly size: number;
  /** The bytes are copied before it resolves; one that rejects was not appended. */
  append(bytes: Uint8Array): Promise<void>;
  /** Exactly `length` bytes; rejects beyond the end. Sees what was appended. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Cuts what lies beyond `size`. */
  truncate(size: number): Promise<void>;
  /** Makes everything appended durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Another process has the run: who, and what helps, in one line. */
export class RunInUseError extends Error {
  override readonly name = 'RunInUseError';
  /** Of the process that has it. */
  readonly pid: number;

  constructor(message: string, pid: number) {
    super(message);
    this.pid = pid;
  }
}

/** There is no room where the run is kept. What was kept before is whole, and the run goes on where it stopped. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}
