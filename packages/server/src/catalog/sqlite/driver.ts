/**
 * One SQLite, two sources: Node has its own from version 24 on, and `@photostructure/sqlite` is the same interface
 * with prebuilt binaries for the versions before. Whichever it is gets loaded when a catalog is opened, not before.
 */

/** What can be bound to a parameter here. */
export type SqliteValue = string | number | null;

export interface SqliteStatement {
  run(...parameters: readonly SqliteValue[]): { readonly changes: number | bigint };
  /** A row by column name, or undefined. */
  get(...parameters: readonly SqliteValue[]): unknown;
  all(...parameters: readonly SqliteValue[]): unknown[];
}

export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

interface SqliteModule {
  readonly DatabaseSync: new (file: string) => SqliteDatabase;
}

/** Node's own SQLite is complete, and prints no warning, from here on. */
const FIRST_NODE_WITH_SQLITE = 24;

/** Opens a database file, or `:memory:`. */
export async function openDatabase(file: string): Promise<SqliteDatabase> {
  const { DatabaseSync } = await loadSqlite();
  return new DatabaseSync(file);
}

async function loadSqlite(): Promise<SqliteModule> {
  const major = Number(process.versions.node.split('.')[0]);
  const builtin = major >= FIRST_NODE_WITH_SQLITE ? process.getBuiltinModule('node:sqlite') : undefined;
  return (builtin as SqliteModule | undefined) ?? (await import('@photostructure/sqlite'));
}
