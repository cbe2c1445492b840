import type { SqliteDatabase } from './driver.ts';
import { firstSchema } from './migrations/0001-first-schema.ts';
import { ledgers } from './migrations/0002-ledgers.ts';
import { inTransaction } from './transaction.ts';

/** One numbered step of the schema. A step that was released is never edited; the next one follows it. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** Every step, in order; the version of a database is the number of the last one it took. */
export const MIGRATIONS: readonly Migration[] = [firstSchema, ledgers];

/** Thrown when a newer Batchwright has been at work on the database. */
export class CatalogTooNewError extends Error {
  override readonly name = 'CatalogTooNewError';
}

/**
 * Brings a database to the newest schema, each step whole or not at all. `version` is read again under the write lock,
 * since another process may be migrating the same file.
 */
export function migrate(database: SqliteDatabase, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const version = schemaVersion(database);
  if (version > newest) {
    throw new CatalogTooNewError(
      `the catalog has schema version ${version}, and this Batchwright knows versions up to ${newest}; ` +
        'run the newer Batchwright that wrote it, or restore a backup from before the upgrade',
    );
  }
  for (const migration of migrations) {
    if (migration.version > version) apply(database, migration);
  }
}

function apply(database: SqliteDatabase, migration: Migration): void {
  inTransaction(database, () => {
    if (schemaVersion(database) >= migration.version) return;
    try {
      database.exec(migration.sql);
    } catch (cause) {
      throw new Error(`migration ${migration.version} (${migration.name}) of the catalog failed`, { cause });
    }
    database.exec(`PRAGMA user_version = ${migration.version}`);
  });
}

function schemaVersion(database: SqliteDatabase): number {
  const row = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
  return row.user_version;
}
