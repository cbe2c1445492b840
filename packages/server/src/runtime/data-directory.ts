/**
 * Where an embedded server keeps everything it must not lose:
 *
 *     <data directory>/
 *       format.json     which layout this is           (data-format.ts)
 *       lock, lock.db   who owns it                    (data-lock.ts)
 *       catalog.db      batches, workspaces, keys      (catalog/sqlite)
 *       batches/        bodies and results             (spool/file)
 *
 * Invariant: between opening and closing, this process is the only server on the directory, and its format is current.
 *
 * Its small files are read and written without the thread pool: nobody is served yet, and the pool takes a start 3 ms.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { bringToCurrentFormat } from './data-format.ts';
import { holdDirectory } from './data-lock.ts';

/** A data directory that this process owns. */
export interface DataDirectory {
  readonly path: string;
  readonly catalogFile: string;
  /** Exists; one directory per batch lies in it. */
  readonly batchesDirectory: string;
  /** Gives the directory up. Everything in it must be closed before. */
  close(): Promise<void>;
}

const OWNER_ONLY = 0o700;

/** Makes the directory where there is none, takes it, and brings it to the current format. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const absolute = resolve(path);
  const batchesDirectory = join(absolute, 'batches');
  try {
    makeDirectories(absolute);
  } catch (cause) {
    const { code = 'no reason known' } = cause as NodeJS.ErrnoException;
    throw new Error(`cannot make the data directory ${absolute} (${code}); choose another with --data-dir`, { cause });
  }
  const hold = await holdDirectory(absolute);
  try {
    await bringToCurrentFormat(absolute);
    makeDirectories(batchesDirectory);
  } catch (error) {
    await hold.release();
    throw error;
  }
  return { path: absolute, catalogFile: join(absolute, 'catalog.db'), batchesDirectory, close: () => hold.release() };
}

/** Node's own way to make parents never ends where a file system cannot have them, such as `/proc`: nor would a signal end it. */
function makeDirectories(path: string): void {
  if (isDirectory(path)) return;
  makeDirectories(dirname(path));
  try {
    mkdirSync(path, { mode: OWNER_ONLY });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
