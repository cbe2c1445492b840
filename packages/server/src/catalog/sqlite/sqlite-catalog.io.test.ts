import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { at, batchId, DAY_US, newBatch, newKey, sources, START_US } from '../catalog.fixture.ts';
import { catalogSuite } from '../catalog.suite.ts';
import type { Catalog } from '../catalog.ts';
import { ledgerSuite } from '../ledger.suite.ts';
import { openDatabase } from './driver.ts';
import { CatalogTooNewError, migrate, MIGRATIONS } from './migration.ts';
import { openSqliteCatalog } from './sqlite-catalog.ts';
import { SQL } from './statements.ts';

async function freshFile() {
  const directory = await mkdtemp(join(tmpdir(), 'batchwright-catalog-'));
  return { file: join(directory, 'catalog.db'), remove: () => rm(directory, { recursive: true, force: true }) };
}

async function openFresh() {
  const { file, remove } = await freshFile();
  const catalogs = [await openSqliteCatalog(file, sources())];
  const [catalog] = catalogs as [Catalog];
  return {
    catalog,
    async reopen() {
      // Beside the first one, as another process would.
      const next = await openSqliteCatalog(file, sources());
      catalogs.push(next);
      return next;
    },
    async close() {
      for (const opened of catalogs) await opened.close();
      await remove();
    },
  };
}

catalogSuite('SQLite catalog', openFresh);
ledgerSuite('SQLite catalog', openFresh);

describe('a SQLite file', () => {
  test('is its owner’s alone to read', async () => {
    const { file, remove } = await freshFile();
    const catalog = await openSqliteCatalog(file, sources());
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect((await stat(`${file}-wal`)).mode & 0o077).toBe(0);
    await catalog.close();
    await remove();
  });

  test('of a newer Batchwright is refused by both versions’ names and with a remedy', async () => {
    const { file, remove } = await freshFile();
    await (await openSqliteCatalog(file, sources())).close();
    const database = await openDatabase(file);
    database.exec('PRAGMA user_version = 7');
    database.close();
    const refusal = openSqliteCatalog(file, sources());
    await expect(refusal).rejects.toBeInstanceOf(CatalogTooNewError);
    await expect(refusal).rejects.toThrow(/version 7.*up to 2; run the newer Batchwright/);
    await remove();
  });

  test('that is no database is refused', async () => {
    const { file, remove } = await freshFile();
    await writeFile(file, 'not a database, but long enough to be looked at as one'.repeat(40));
    await expect(openSqliteCatalog(file, sources())).rejects.toThrow();
    await remove();
  });
});

describe('migrations', () => {
  const newest = MIGRATIONS.length;
  const second = { version: newest + 1, name: 'second', sql: 'CREATE TABLE second (id INTEGER) STRICT' };
  const versionOf = async (file: string) => {
    const database = await openDatabase(file);
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    database.close();
    return version;
  };

  test('run once each, in order, and keep what is stored', async () => {
    const { file, remove } = await freshFile();
    const catalog = await openSqliteCatalog(file, sources());
    const { id } = await catalog.workspaces.default();
    await catalog.batches.create(newBatch(id, 1), at(0), null);
    await catalog.close();
    const database = await openDatabase(file);
    migrate(database, [...MIGRATIONS, second]);
    migrate(database, [...MIGRATIONS, second]);
    expect(database.prepare('SELECT count(*) AS n FROM batches').get()).toEqual({ n: 1 });
    database.close();
    expect(await versionOf(file)).toBe(newest + 1);
    await remove();
  });

  test('that fail leave the schema as it was and say which', async () => {
    const { file, remove } = await freshFile();
    const database = await openDatabase(file);
    const broken = {
      version: newest + 1,
      name: 'broken',
      sql: 'CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER)',
    };
    expect(() => migrate(database, [...MIGRATIONS, broken])).toThrow(/migration \d+ \(broken\)/);
    expect(database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()).toEqual({ n: 0 });
    database.close();
    expect(await versionOf(file)).toBe(newest);
    await remove();
  });

  test('are numbered from 1 without gaps', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  });
});

describe('the schema', () => {
  test.each([
    ['counts that do not sum', 'UPDATE batches SET succeeded = 1'],
    ['an unknown status', "UPDATE batches SET status = 'paused'"],
    ['an end without its moment', "UPDATE batches SET status = 'ended', processing = 0, succeeded = 10"],
    ['an archived batch that runs', 'UPDATE batches SET archived_at_us = 1'],
    ['a deleted batch that runs', 'UPDATE batches SET deleted_at_us = 1'],
    ['another expiry than 24 hours', 'UPDATE batches SET expires_at_us = expires_at_us + 1'],
    ['a prediction that is none', "UPDATE batches SET prediction = '3'"],
    ['a second default workspace', "INSERT INTO workspaces VALUES ('w', 'w', 1, 1)"],
    ['a key hash that is none', "INSERT INTO api_keys SELECT 'k', id, 'k', 'k', 'key', 1, NULL, NULL FROM workspaces"],
  ])('refuses %s', async (_, sql) => {
    const { file, remove } = await freshFile();
    const catalog = await openSqliteCatalog(file, sources());
    const { id } = await catalog.workspaces.default();
    await catalog.batches.create(newBatch(id, 1), at(0), null);
    const database = await openDatabase(file);
    expect(() => database.exec(sql)).toThrow(/constraint/i);
    database.close();
    await catalog.close();
    await remove();
  });
});

describe('two openers of one file', () => {
  test('see each other’s keys at once', async () => {
    const { file, remove } = await freshFile();
    const [server, commandLine] = [await openSqliteCatalog(file, sources()), await openSqliteCatalog(file, sources())];
    const { id } = await server.workspaces.default();
    const key = newKey(id, 'k');
    await commandLine.workspaces.addKey(key);
    expect(await server.workspaces.findKey(key.sha256, at(0))).not.toBe(null);
    await commandLine.workspaces.revokeKey(key.id, at(1));
    expect(await server.workspaces.findKey(key.sha256, at(2))).toBe(null);
    await server.close();
    await commandLine.close();
    await remove();
  });

  test('in two processes write in turns, and neither fails', async () => {
    const { file, remove } = await freshFile();
    const catalog = await openSqliteCatalog(file, sources());
    const { id } = await catalog.workspaces.default();
    // The other process uses the driver alone, since Node may be too old to run this package's sources.
    const other = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { DatabaseSync } = await import('@photostructure/sqlite');
         const database = new DatabaseSync(${JSON.stringify(file)});
         database.exec('PRAGMA busy_timeout = 5000');
         const insert = database.prepare("INSERT INTO api_keys SELECT 'other' || ?, id, 'n', 'h', printf('%064x', ?), 1, NULL, NULL FROM workspaces");
         for (let i = 0; i < 200; i++) { database.exec('BEGIN IMMEDIATE'); insert.run(i, 1e9 + i); database.exec('COMMIT'); }
         database.close();`,
      ],
      { cwd: dirname(fileURLToPath(import.meta.url)), stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const exit = once(other, 'exit');
    for (let i = 0; i < 200; i++) {
      await catalog.batches.create(newBatch(id, i), at(i), 1e6);
      await new Promise(setImmediate);
    }
    expect(await exit).toEqual([0, null]);
    expect(await catalog.workspaces.listKeys()).toHaveLength(200);
    expect((await catalog.batches.tally()).batches.in_progress).toBe(200);
    await catalog.close();
    await remove();
  });

  test('found one organisation between them', async () => {
    const { file, remove } = await freshFile();
    const opened = await Promise.all([1, 2, 3].map(() => openSqliteCatalog(file, sources())));
    expect(new Set(opened.map(({ organizationId }) => organizationId)).size).toBe(1);
    for (const catalog of opened) await catalog.close();
    await remove();
  });
});

test.each(
  Object.entries(SQL).filter(([, sql]) => /(FROM|UPDATE) (batches|shards|shard_ledgers|workspace_usage)\b/.test(sql)),
)('%s finds its rows, and their order, by an index', async (_, sql) => {
  const { file, remove } = await freshFile();
  const catalog = await openSqliteCatalog(file, sources());
  const database = await openDatabase(file);
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[];
  for (const { detail } of plan) {
    expect(detail).toMatch(/^(SEARCH|SCAN \w+ USING (COVERING )?INDEX)/);
    expect(detail).not.toContain('TEMP B-TREE');
  }
  database.close();
  await catalog.close();
  await remove();
});

test('a hundred thousand batches do not slow a lookup, a page, a claim or a tally', async () => {
  const { file, remove } = await freshFile();
  const catalog = await openSqliteCatalog(file, sources());
  const { id } = await catalog.workspaces.default();
  const total = 100_000;
  await storeBatches(file, total);
  const calls = {
    find: () => catalog.batches.find(id, batchId(total / 2)),
    firstPage: () => catalog.batches.list(id, { type: 'first' }, 20),
    deepPage: () => catalog.batches.list(id, { type: 'after', id: batchId(20) }, 20),
    claim: () => catalog.shards.claim('other', at(total), 1000, 10),
    due: () => catalog.batches.dueForArchive(at(-1), 100),
    oldest: () => catalog.batches.oldestUnarchived(),
    tally: () => catalog.batches.tally(),
    deleted: () => catalog.batches.deletedBatches(100),
  };
  for (const [name, call] of Object.entries(calls)) {
    let quickestMs = Infinity;
    for (let i = 0; i < 20; i++) {
      const startedAt = performance.now();
      await call();
      quickestMs = Math.min(quickestMs, performance.now() - startedAt);
    }
    // A scan of all rows takes tens of milliseconds; an index, tens of microseconds.
    expect(quickestMs, name).toBeLessThan(5);
  }
  expect((await catalog.batches.tally()).batches).toEqual({
    in_progress: 1000,
    canceling: 0,
    ended: 99_000,
    archived: 0,
  });
  await catalog.close();
  await remove();
});

/** Batches 0 to `total` in the default workspace, one microsecond apart; every hundredth runs and is claimed. */
async function storeBatches(file: string, total: number): Promise<void> {
  const database = await openDatabase(file);
  const numbered = `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${total - 1})`;
  database.exec(`
    BEGIN;
    ${numbered} INSERT INTO batches (
      id, workspace_id, status, created_at_us, expires_at_us, ended_at_us, request_count,
      processing, succeeded, errored, canceled, expired, api_version, betas, options)
    SELECT 'msgbatch_01' || substr('xxxxxxxxxxxxxxxxxxxxxx' || n, -22), workspaces.id, 'in_progress',
      ${START_US} + n, ${START_US + DAY_US} + n, NULL, 1, 1, 0, 0, 0, 0, '2023-06-01', '[]', '{}' FROM numbers, workspaces;
    UPDATE batches SET status = 'ended', ended_at_us = expires_at_us, processing = 0, succeeded = 1
      WHERE created_at_us % 100 <> 0;
    INSERT INTO shards (batch_id, shard, epoch, node, lease_until_us, expires_at_us, is_open)
      SELECT id, 0, 1, 'node', ${START_US + DAY_US}, expires_at_us, status <> 'ended' FROM batches;
    COMMIT`);
  database.close();
}
