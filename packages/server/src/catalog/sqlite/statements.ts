import type { SqliteDatabase, SqliteStatement } from './driver.ts';

/** Every statement of the catalog, one name each. Values are always bound, never spliced in. */
export const SQL = {
  ping: 'SELECT 1',

  findOrganization: 'SELECT id FROM organization',
  insertOrganization: 'INSERT INTO organization (one, id) VALUES (1, ?)',

  findDefaultWorkspace: 'SELECT * FROM workspaces WHERE is_default = 1',
  findWorkspace: 'SELECT * FROM workspaces WHERE id = ?',
  listWorkspaces: 'SELECT * FROM workspaces ORDER BY created_at_us, rowid',
  insertWorkspace: `
    INSERT INTO workspaces (id, name, created_at_us, is_default) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,

  insertKey: `
    INSERT INTO api_keys (id, workspace_id, name, hint, sha256, created_at_us, expires_at_us)
    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING`,
  findLiveKey: `
    SELECT * FROM api_keys
    WHERE sha256 = ? AND revoked_at_us IS NULL AND (expires_at_us IS NULL OR expires_at_us > ?)`,
  listKeys: 'SELECT * FROM api_keys ORDER BY created_at_us, rowid',
  revokeKey: 'UPDATE api_keys SET revoked_at_us = coalesce(revoked_at_us, ?) WHERE id = ?',

  findQueued: 'SELECT sum(processing) AS queued FROM tallies WHERE workspace_id = ?',
  findNewest: 'SELECT max(created_at_us) AS newest_us FROM batches',
  insertBatch: `
    INSERT INTO batches (
      id, workspace_id, status, created_at_us, expires_at_us, request_count,
      processing, succeeded, errored, canceled, expired, api_version, betas, user_profile_id, options, prediction)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  insertShard: 'INSERT INTO shards (batch_id, shard, expires_at_us) VALUES (?, 0, ?)',
  findBatch: 'SELECT * FROM batches WHERE id = ? AND deleted_at_us IS NULL',
  existsBatch: 'SELECT 1 FROM batches WHERE id = ? AND deleted_at_us IS NULL',
  updateBatch: `
    UPDATE batches SET
      status = ?, cancel_initiated_at_us = ?, ended_at_us = ?, archived_at_us = ?,
      processing = ?, succeeded = ?, errored = ?, canceled = ?, expired = ?
    WHERE id = ?`,
  updateOptions: 'UPDATE batches SET options = ? WHERE id = ?',
  deleteBatch: 'UPDATE batches SET deleted_at_us = ?, user_profile_id = NULL, prediction = NULL WHERE id = ?',
  deleteShards: 'DELETE FROM shards WHERE batch_id = ?',

  findPrediction: 'SELECT prediction FROM batches WHERE id = ? AND workspace_id = ? AND deleted_at_us IS NULL',
  findLedger: 'SELECT rows, bytes, at_us, totals FROM shard_ledgers WHERE batch_id = ? AND shard = ?',
  putLedger: `
    INSERT INTO shard_ledgers (batch_id, shard, rows, bytes, at_us, totals) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (batch_id, shard) DO UPDATE SET
      rows = excluded.rows, bytes = excluded.bytes, at_us = excluded.at_us, totals = excluded.totals`,
  deleteLedgers: 'DELETE FROM shard_ledgers WHERE batch_id = ?',
  findUsage: 'SELECT totals FROM workspace_usage WHERE workspace_id = ? AND day = ?',
  putUsage: `
    INSERT INTO workspace_usage (workspace_id, day, totals) VALUES (?, ?, ?)
    ON CONFLICT (workspace_id, day) DO UPDATE SET totals = excluded.totals`,
  listUsage: 'SELECT day, totals FROM workspace_usage WHERE workspace_id = ? AND day BETWEEN ? AND ? ORDER BY day',

  findCursor: 'SELECT created_at_us FROM batches WHERE id = ? AND workspace_id = ?',
  listNewest: `
    SELECT * FROM batches WHERE workspace_id = ? AND deleted_at_us IS NULL
    ORDER BY created_at_us DESC LIMIT ?`,
  listOlder: `
    SELECT * FROM batches WHERE workspace_id = ? AND deleted_at_us IS NULL AND created_at_us < ?
    ORDER BY created_at_us DESC LIMIT ?`,
  listNewer: `
    SELECT * FROM batches WHERE workspace_id = ? AND deleted_at_us IS NULL AND created_at_us > ?
    ORDER BY created_at_us LIMIT ?`,

  listDeleted: `
    SELECT id FROM batches WHERE deleted_at_us IS NOT NULL AND segments_forgotten = 0
    ORDER BY created_at_us LIMIT ?`,
  forgetSegments: 'UPDATE batches SET segments_forgotten = 1 WHERE id = ? AND deleted_at_us IS NOT NULL',
  listDueForArchive: `
    SELECT id FROM batches
    WHERE archived_at_us IS NULL AND deleted_at_us IS NULL AND status = 'ended' AND created_at_us <= ?
    ORDER BY created_at_us LIMIT ?`,
  findOldestUnarchived: `
    SELECT created_at_us FROM batches WHERE archived_at_us IS NULL AND deleted_at_us IS NULL
    ORDER BY created_at_us LIMIT 1`,
  tally: `
    SELECT state, sum(batches) AS batches, sum(processing) AS processing, sum(succeeded) AS succeeded,
      sum(errored) AS errored, sum(canceled) AS canceled, sum(expired) AS expired
    FROM tallies GROUP BY state`,

  listClaimable: `
    SELECT batch_id, shard, epoch FROM shards WHERE is_open = 1 AND lease_until_us <= ?
    ORDER BY expires_at_us, shard LIMIT ?`,
  listClaimableOf: `
    SELECT batch_id, shard, epoch FROM shards WHERE batch_id = ? AND is_open = 1 AND lease_until_us <= ?
    ORDER BY shard LIMIT ?`,
  claimShard: 'UPDATE shards SET epoch = ?, node = ?, lease_until_us = ? WHERE batch_id = ? AND shard = ?',
  findHeld: 'SELECT 1 FROM shards WHERE batch_id = ? AND shard = ? AND epoch = ?',
  renewLease: 'UPDATE shards SET lease_until_us = ? WHERE batch_id = ? AND shard = ? AND epoch = ?',
  releaseLease: `
    UPDATE shards SET node = NULL, lease_until_us = 0 WHERE batch_id = ? AND shard = ? AND epoch = ?`,
  releaseLeases: 'UPDATE shards SET node = NULL, lease_until_us = 0 WHERE is_open = 1 AND node = ?',
  closeShards: 'UPDATE shards SET is_open = 0, node = NULL, lease_until_us = 0 WHERE batch_id = ?',
} as const;

/** The statements over a database. */
export type Statements = Readonly<Record<keyof typeof SQL, SqliteStatement>>;

/** Each is compiled once, when it is first used: a start uses a handful, and all of them took it 1.5 ms. */
export function prepareStatements(database: SqliteDatabase): Statements {
  const statements = {};
  for (const [name, sql] of Object.entries(SQL)) {
    const prepare = (): SqliteStatement => {
      const value = database.prepare(sql);
      Object.defineProperty(statements, name, { value });
      return value;
    };
    Object.defineProperty(statements, name, { configurable: true, get: prepare });
  }
  return statements as Statements;
}
