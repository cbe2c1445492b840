import type { SqliteDatabase } from './driver.ts';

/**
 * Runs `work` in one transaction that takes the write lock at its start. Another process may have the same file open
 * (the command line beside the server), and a transaction that reads first and writes later would fail when the other
 * one wrote between. `work` must not wait for anything.
 */
export function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    try {
      database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full; the first error is the one to tell.
    }
    throw error;
  }
}
