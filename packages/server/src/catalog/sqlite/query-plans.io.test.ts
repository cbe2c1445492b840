import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { migrate } from './migration.ts';
import { SQL } from './statements.ts';

/** What a statement looks at must not grow with what is stored; those that find nothing by a key say why they may. */
const READ_ALONG: Readonly<Partial<Record<keyof typeof SQL, readonly string[]>>> = {
  // Tables that are as small as an operator makes them, and sums by state.
  findOrganization: ['SCAN organization'],
  listWorkspaces: ['SCAN workspaces', 'USE TEMP B-TREE FOR ORDER BY'],
  listKeys: ['SCAN api_keys', 'USE TEMP B-TREE FOR ORDER BY'],
  tally: ['SCAN tallies', 'USE TEMP B-TREE FOR GROUP BY'],
  // Along an index that has only rows of the kind that is wanted, and no further than a limit.
  listDeleted: ['SCAN batches USING INDEX batches_deleted'],
  findOldestUnarchived: ['SCAN batches USING INDEX batches_unarchived'],
  // Along the shards that are open: of those that are leased there are no more than the scheduler's bound.
  listClaimable: ['SCAN shards USING INDEX shards_claimable'],
  releaseLeases: ['SCAN shards USING INDEX shards_claimable'],
  // The check of rows that refer to a workspace which is missing; run when there are such rows, and there are none.
  insertWorkspace: ['SCAN batches', 'SCAN api_keys'],
};

describe('a statement of the catalog', () => {
  let database: SqliteDatabase;

  beforeAll(async () => {
    database = await openDatabase(':memory:');
    migrate(database);
  });
  afterAll(() => database.close());

  test.each(Object.entries(SQL))('%s finds its rows by an index', (name, sql) => {
    const slow = planOf(database, sql).filter((step) => !BY_KEY.test(step));
    expect(slow).toEqual(READ_ALONG[name as keyof typeof SQL] ?? []);
  });
});

const BY_KEY = /^(SEARCH |SCAN CONSTANT ROW$)/;

function planOf(database: SqliteDatabase, sql: string): readonly string[] {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[];
  return rows.map(({ detail }) => detail);
}
