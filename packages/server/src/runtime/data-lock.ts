/**
 * One owner per data directory. The exclusion is a lock of the operating system, held through SQLite on the empty file
 * `lock.db`: the system drops it when the process dies, however it dies, so that there is no stale lock to judge, no
 * process id that might have been reused or belongs to another container, and no moment in which two starters both
 * believe they have won. The file `lock` beside it only says, for people, who the holder is.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase, type SqliteDatabase } from '../catalog/sqlite/driver.ts';

/** The right to a directory, until it is released or the process ends. */
export interface DirectoryHold {
  release(): Promise<void>;
}

/** Thrown when another process owns the data directory. */
export class DataDirectoryHeldError extends Error {
  override readonly name = 'DataDirectoryHeldError';
  /** The owner's process id, when it could be learnt. */
  readonly pid: number | null;

  constructor(directory: string, holder: Holder | null) {
    super(
      `data directory ${directory} is in use by ${describe(holder)}; ` +
        'stop that server, or choose another directory with --data-dir (BATCHWRIGHT_DATA_DIR)',
    );
    this.pid = holder?.pid ?? null;
  }
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, RFC 3339. */
  readonly startedAt: string;
}

/** The winner writes its name just after it has won; a loser looks for it this often, and then does without. */
const HOLDER_ATTEMPTS = 50;
const HOLDER_ATTEMPT_MS = 10;

/** Two starters at once may each stand in the other's way for a moment; waiting this long lets one of them pass. */
const LOCK_TIMEOUT_MS = 250;

/** Takes a directory, or throws `DataDirectoryHeldError` within a moment. */
export async function holdDirectory(directory: string): Promise<DirectoryHold> {
  const lock = await openDatabase(join(directory, 'lock.db'));
  if (!takeLock(lock, directory)) {
    lock.close();
    throw new DataDirectoryHeldError(directory, await findHolder(directory));
  }
  writeFileSync(join(directory, 'lock'), `${JSON.stringify(thisProcess())}\n`, { mode: 0o600 });
  let released = false;
  return {
    async release() {
      if (released) return;
      released = true;
      // The name goes first: afterwards it may be the next owner's. A disk that takes no writes keeps it, which hurts nobody:
      // it is only told while its process lives.
      await rm(join(directory, 'lock'), { force: true }).catch(() => undefined);
      lock.close();
    },
  };
}

function takeLock(lock: SqliteDatabase, directory: string): boolean {
  try {
    lock.exec(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`);
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (cause) {
    if (cause instanceof Error && cause.message.includes('database is locked')) return false;
    lock.close();
    throw new Error(`cannot lock the data directory ${directory}; its file system must support file locks`, { cause });
  }
}

function thisProcess(): Holder {
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  return { pid: process.pid, host: hostname(), startedAt };
}

async function findHolder(directory: string): Promise<Holder | null> {
  for (let attempt = 0; attempt < HOLDER_ATTEMPTS; attempt++) {
    const holder = readHolder(directory);
    if (holder !== null && mayBeAlive(holder)) return holder;
    await delay(HOLDER_ATTEMPT_MS);
  }
  return null;
}

function readHolder(directory: string): Holder | null {
  try {
    return JSON.parse(readFileSync(join(directory, 'lock'), 'utf8')) as Holder;
  } catch {
    // Not written yet, or half; the name is only for the message.
    return null;
  }
}

/** A name that an owner left behind which has died since must not be told; nothing else depends on this. */
function mayBeAlive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function describe(holder: Holder | null): string {
  if (holder === null) return 'another process';
  const where = holder.host === hostname() ? '' : ` on ${holder.host}`;
  return `process ${holder.pid}${where}, running since ${holder.startedAt}`;
}
