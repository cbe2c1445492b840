import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { SharedCommit } from './shared-commit.ts';

/** A database that notes what it is told, and fails at what the test says. */
class NotedDatabase implements SqliteDatabase {
  readonly told: string[] = [];
  fails: (sql: string) => boolean = () => false;
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  exec(sql: string): void {
    this.told.push(sql);
    if (this.fails(sql)) throw new Error(`${sql} failed`);
    this.#database.exec(sql);
  }

  prepare(sql: string): ReturnType<SqliteDatabase['prepare']> {
    return this.#database.prepare(sql);
  }

  close(): void {
    this.#database.close();
  }

  count(sql: string): number {
    return this.told.filter((told) => told === sql).length;
  }
}

describe('writes of a catalog', () => {
  let directory: string;
  let database: NotedDatabase;
  let reader: SqliteDatabase;
  let commits: SharedCommit;
  let insert: (value: number) => number;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'batchwright-commits-'));
    const file = join(directory, 'catalog.db');
    database = new NotedDatabase(await openDatabase(file));
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('CREATE TABLE kept (value INTEGER PRIMARY KEY) STRICT');
    reader = await openDatabase(file);
    commits = new SharedCommit(database);
    const statement = database.prepare('INSERT INTO kept VALUES (?)');
    insert = (value) => {
      statement.run(value);
      return value;
    };
  });

  afterEach(async () => {
    reader.close();
    database.close();
    await rm(directory, { recursive: true, force: true });
  });

  const write = (value: number): Promise<number> => commits.write(() => insert(value));
  const kept = (): unknown[] =>
    reader
      .prepare('SELECT value FROM kept ORDER BY value')
      .all()
      .map((row) => (row as { readonly value: number }).value);
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

  test('that come in one turn of the event loop share one commit', async () => {
    expect(await Promise.all(upTo(30).map(write))).toEqual(upTo(30));
    expect(database.count('COMMIT')).toBe(1);
    expect(kept()).toEqual(upTo(30));
  });

  test('are committed 32 at a time, so that a thousand do not hold the event loop', async () => {
    await Promise.all(upTo(100).map(write));
    expect(database.count('COMMIT')).toBe(4);
    expect(kept()).toEqual(upTo(100));
  });

  test('are answered once they are committed, and not before', async () => {
    const seen: unknown[][] = [];
    await Promise.all([1, 2].map((value) => write(value).then(() => seen.push(kept()))));
    expect(seen).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test('run in the order they were asked for, and see those before them', async () => {
    const first = write(7);
    const second = commits.write(() => database.prepare('SELECT value FROM kept').get());
    expect(await Promise.all([first, second])).toEqual([7, { value: 7 }]);
  });

  test('fail each by itself, and leave nothing of what they began', async () => {
    const half = commits.write(() => {
      insert(2);
      throw new Error('half way');
    });
    const outcomes = await Promise.allSettled([write(1), half, write(3), write(1)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(kept()).toEqual([1, 3]);
  });

  test('whose commit failed are committed each by itself', async () => {
    let commitsTried = 0;
    database.fails = (sql) => sql === 'COMMIT' && ++commitsTried < 3;
    const outcomes = await Promise.allSettled([write(1), write(2), write(3)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(kept()).toEqual([2, 3]);
  });

  test('that another process keeps from beginning fail together, having waited once', async () => {
    database.fails = (sql) => sql === 'BEGIN IMMEDIATE';
    const outcomes = await Promise.allSettled(upTo(5).map(write));
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(database.count('BEGIN IMMEDIATE')).toBe(1);
    database.fails = () => false;
    expect(await write(9)).toBe(9);
  });

  test('that still wait when the catalog closes are committed first', async () => {
    const writes = upTo(40).map(write);
    commits.flush();
    expect(kept()).toEqual(upTo(40));
    expect(await Promise.all(writes)).toEqual(upTo(40));
    await new Promise((resolve) => setImmediate(resolve));
    expect(database.count('BEGIN IMMEDIATE')).toBe(2);
  });
});
