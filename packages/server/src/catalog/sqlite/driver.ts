/**
 * One SQLite, two sources with the same interface: Node's own where it is recent enough, else `@photostructure/sqlite`,
 * which brings prebuilt binaries for every Node we run on. Whichever it is gets loaded when a catalog is opened, not
 * before.
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

/** Before this release a write-ahead log that was reset while being read could corrupt the database. */
const FIRST_SOUND_SQLITE = [3, 51, 3] as const;

/** Opens a database file, or `:memory:`. */
export async function openDatabase(file: string): Promise<SqliteDatabase> {
  const { DatabaseSync } = await loadSqlite();
  return new DatabaseSync(file);
}

async function loadSqlite(): Promise<SqliteModule> {
  const builtin = isSound(process.versions['sqlite']) ? process.getBuiltinModule('node:sqlite') : undefined;
  return (builtin as SqliteModule | undefined) ?? (await import('@photostructure/sqlite'));
}

/** Whether a version of SQLite, such as `3.53.4`, may be trusted with a write-ahead log; Nodes without one have none. */
export function isSound(version: string | undefined): boolean {
  const parts = (version ?? '').split('.').map(Number);
  for (const [i, wanted] of FIRST_SOUND_SQLITE.entries()) {
    const part = parts[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
