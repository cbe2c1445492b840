/**
 * A run in a directory:
 *
 *     journal.jsonl       what was done                    (journal-file.ts)
 *     requests.jsonl      the requests, line by line
 *     batch-N.plan        who goes in a batch
 *     results-N.jsonl     what was downloaded of it
 *     lock/               which process has the run        (run-lock.ts)
 *
 * Invariant: between opening and closing, no other process writes here.
 */
import { assert } from '@batchwright/core';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { JournalEntry } from '../journal/journal-entry.ts';
import { RunInUseError, type ByteLog, type LogName, type RunStore } from '../store/run-store.ts';
import { FileLog } from './file-log.ts';
import { JournalFile } from './journal-file.ts';
import { lockRun, type RunLock } from './run-lock.ts';
import { storeFailure } from './store-failure.ts';
import { syncDirectory } from './sync-directory.ts';

/** Takes a directory for a run, made when there is none. Rejects with `RunInUseError` while another process has it. */
export async function openFileStore(directory: string): Promise<RunStore> {
  const path = resolve(directory);
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw storeFailure('making', path, cause);
  });
  const lock = await lockRun(path).catch((cause: unknown) => {
    throw cause instanceof RunInUseError ? cause : storeFailure('locking', path, cause);
  });
  try {
    const journal = await JournalFile.open(join(path, JOURNAL));
    await syncDirectory(path);
    return new FileStore(path, lock, journal);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

const JOURNAL = 'journal.jsonl';
const LOG_FILE = /^(?:requests\.jsonl|batch-\d+\.plan|results-\d+\.jsonl)$/;

class FileStore implements RunStore {
  readonly #path: string;
  readonly #lock: RunLock;
  #journal: JournalFile;
  readonly #open = new Set<LogName>();
  #isClosed = false;

  constructor(path: string, lock: RunLock, journal: JournalFile) {
    this.#path = path;
    this.#lock = lock;
    this.#journal = journal;
  }

  async readJournal(): Promise<readonly JournalEntry[]> {
    return this.#journal.entries;
  }

  appendJournal(entry: JournalEntry): Promise<void> {
    return this.#journal.append(entry);
  }

  async openLog(name: LogName): Promise<ByteLog> {
    assert(!this.#open.has(name), () => `the log ${name} is open already`);
    this.#open.add(name);
    try {
      const log = await FileLog.open(this.#fileOf(name), () => this.#open.delete(name));
      // A log that was just made is found after a crash only once its directory says so.
      if (log.size === 0) await syncDirectory(this.#path);
      return log;
    } catch (error) {
      this.#open.delete(name);
      throw error;
    }
  }

  async removeLog(name: LogName): Promise<void> {
    assert(!this.#open.has(name), () => `the log ${name} is removed while it is open`);
    await rm(this.#fileOf(name), { force: true });
  }

  async clear(): Promise<void> {
    assert(this.#open.size === 0, () => `the run is cleared while ${[...this.#open].join(', ')} is open`);
    // The journal goes first: logs without one are nobody's, a journal without its logs would be damage.
    await this.#journal.close();
    await rm(join(this.#path, JOURNAL), { force: true });
    await syncDirectory(this.#path);
    for (const file of await readdir(this.#path)) {
      if (LOG_FILE.test(file)) await rm(join(this.#path, file), { force: true });
    }
    this.#journal = await JournalFile.open(join(this.#path, JOURNAL));
    await syncDirectory(this.#path);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#journal.close();
    await this.#lock.release();
  }

  #fileOf(name: LogName): string {
    return join(this.#path, `${name}${name.startsWith('batch-') ? '.plan' : '.jsonl'}`);
  }
}
