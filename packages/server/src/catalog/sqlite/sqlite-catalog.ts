/**
 * The catalog in one SQLite file, for a server that has its data directory to itself. The command line may open the
 * same file beside it: every write is one short transaction that takes the write lock first, and nothing is kept in
 * memory that another process could have changed.
 *
 * A commit holds the event loop for one sync of the disk. There is one write per step of a batch's life, and none per
 * request; those of one turn of the event loop share a commit.
 */
import type { OrganizationId } from '@batchwright/protocol';
import { closeSync, openSync } from 'node:fs';
import type { Catalog } from '../catalog.ts';
import { found, type CatalogSources } from '../founding.ts';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { migrate } from './migration.ts';
import { SharedCommit } from './shared-commit.ts';
import { sqliteBatches } from './sqlite-batches.ts';
import { sqliteShards } from './sqlite-shards.ts';
import { sqliteWorkspaces } from './sqlite-workspaces.ts';
import { prepareStatements, type Statements } from './statements.ts';
import { inTransaction } from './transaction.ts';

/** How long a write waits for another process to finish its own. */
const BUSY_TIMEOUT_MS = 5000;
const OWNER_ONLY = 0o600;

/** Opens the catalog in `file`, and founds it when there is none. `:memory:` is a catalog that nothing keeps. */
export async function openSqliteCatalog(file: string, sources: CatalogSources): Promise<Catalog> {
  // SQLite would make the file readable by everyone; it keeps the mode of one that is there.
  if (file !== ':memory:') closeSync(openSync(file, 'a', OWNER_ONLY));
  const database = await openDatabase(file);
  try {
    configure(database);
    migrate(database);
    return catalogOver(database, prepareStatements(database), sources);
  } catch (error) {
    database.close();
    throw error;
  }
}

function configure(database: SqliteDatabase): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.exec('PRAGMA journal_mode = WAL');
  // In WAL mode NORMAL would not sync at commit, and a batch must outlive a loss of power once create was answered.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
}

function catalogOver(database: SqliteDatabase, statements: Statements, sources: CatalogSources): Catalog {
  const organizationId = inTransaction(database, () => findOrFound(statements, sources));
  const commits = new SharedCommit(database);
  let closed = false;
  return {
    organizationId,
    workspaces: sqliteWorkspaces(statements),
    batches: sqliteBatches(commits, statements),
    shards: sqliteShards(commits, statements),
    async ping() {
      statements.ping.get();
    },
    async close() {
      if (closed) return;
      closed = true;
      commits.flush();
      database.close();
    },
  };
}

function findOrFound(statements: Statements, sources: CatalogSources): OrganizationId {
  const row = statements.findOrganization.get() as { readonly id: OrganizationId } | undefined;
  if (row !== undefined) return row.id;
  const { organizationId, workspace } = found(sources);
  statements.insertOrganization.run(organizationId);
  statements.insertWorkspace.run(workspace.id, workspace.name, workspace.createdAtUs, 1);
  return organizationId;
}
