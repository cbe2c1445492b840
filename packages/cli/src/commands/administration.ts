import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, openSqliteCatalog } from '@batchwright/server';
import type { Catalog, Workspace } from '@batchwright/server';
import { microsecondsFromMs } from '@batchwright/protocol';
import type { MicrosecondsUtc } from '@batchwright/protocol';
import { EXIT_FAILED, EXIT_MISUSED, complain } from '../host.ts';
import type { Host } from '../host.ts';

/**
 * Administration works on the catalog in the data directory itself, whether a server runs on it or not: the catalog
 * takes several processes, and holds nothing that a running server keeps a copy of.
 */

/** Options every administrative command has. */
export interface AdministrationOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** Opens the catalog the options and the environment point to, and closes it whatever the action does. */
export async function withCatalog(
  options: AdministrationOptions,
  host: Host,
  action: (catalog: Catalog) => Promise<number>,
): Promise<number> {
  const args = options.dataDir === undefined ? [] : ['--data-dir', options.dataDir];
  const loaded = loadConfig({ args, env: host.env, cwd: host.cwd, readFile: host.readFile });
  if (loaded.type === 'invalid') {
    for (const line of loaded.lines) complain(host, line);
    return EXIT_MISUSED;
  }
  const file = join(loaded.config.dataDir, 'catalog.db');
  // Opening would create it, and a key in a directory nobody serves from is a riddle for whoever made it.
  if (!existsSync(file)) {
    complain(host, `no data in ${loaded.config.dataDir}. Start a server there once, or name another with --data-dir.`);
    return EXIT_FAILED;
  }
  const catalog = await openSqliteCatalog(file, { randomBytes, now: () => host.now() });
  try {
    return await action(catalog);
  } finally {
    await catalog.close();
  }
}

/** The workspace of a name or an id; the default one when none is named. */
export async function findWorkspace(catalog: Catalog, name: string | undefined): Promise<Workspace | null> {
  if (name === undefined) return catalog.workspaces.default();
  const all = await catalog.workspaces.list();
  return all.find((workspace) => workspace.id === name) ?? all.find((workspace) => workspace.name === name) ?? null;
}

/** Now, as the catalog counts time. */
export function nowUs(host: Host): MicrosecondsUtc {
  return microsecondsFromMs(host.now());
}
