import type { Migration } from '../migration.ts';

/**
 * What batches were expected to cost, and what they came to. Totals by model are JSON: they are read and written whole,
 * and gain fields without a migration. A workspace's usage has a row a day, and no tie to the batches it sums, which may
 * be deleted.
 */
export const ledgers: Migration = {
  version: 2,
  name: 'ledgers',
  sql: `
ALTER TABLE batches ADD COLUMN prediction TEXT CHECK (prediction IS NULL OR json_type(prediction) = 'object');

CREATE TABLE shard_ledgers (
  batch_id TEXT NOT NULL REFERENCES batches (id),
  shard INTEGER NOT NULL CHECK (shard >= 0),
  rows INTEGER NOT NULL CHECK (rows >= 0),
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  at_us INTEGER NOT NULL,
  totals TEXT NOT NULL CHECK (json_type(totals) = 'object'),
  PRIMARY KEY (batch_id, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE workspace_usage (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  totals TEXT NOT NULL CHECK (json_type(totals) = 'object'),
  PRIMARY KEY (workspace_id, day)
) STRICT, WITHOUT ROWID;
`,
};
