import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { makeId, microsecondsFromMs, type KeyId, type WorkspaceId } from '@batchwright/protocol';
import { hashApiKey, keyHint, makeApiKey, openSqliteCatalog, type Catalog } from '@batchwright/server';
import { caller, type Caller } from './caller.ts';

/** Workspaces and keys made the way the command line makes them: in the catalog, beside the running server. */
export interface TestWorkspaces {
  standard(url: string): Promise<{ k1a: Caller; k1b: Caller; k2: Caller }>;
  add(url: string): Promise<Caller>;
  close(): Promise<void>;
}

/** Opens the catalog in a running server's data directory. */
export async function openWorkspaces(dataDir: string): Promise<TestWorkspaces> {
  const catalog = await openSqliteCatalog(join(dataDir, 'catalog.db'), { randomBytes, now: Date.now });
  const add = async (url: string): Promise<Caller> => newCaller(catalog, url, await newWorkspace(catalog));
  return {
    standard: async (url) => {
      const { id } = await catalog.workspaces.default();
      return { k1a: await newCaller(catalog, url, id), k1b: await newCaller(catalog, url, id), k2: await add(url) };
    },
    add,
    close: () => catalog.close(),
  };
}

async function newWorkspace(catalog: Catalog): Promise<WorkspaceId> {
  const id = makeId('workspace', randomBytes) as WorkspaceId;
  await catalog.workspaces.create({ id, name: id, createdAtUs: microsecondsFromMs(0) });
  return id;
}

async function newCaller(catalog: Catalog, url: string, workspaceId: WorkspaceId): Promise<Caller> {
  const key = makeApiKey(randomBytes);
  await catalog.workspaces.addKey({
    id: makeId('key', randomBytes) as KeyId,
    workspaceId,
    name: 'test',
    hint: keyHint(key),
    sha256: hashApiKey(key),
    createdAtUs: microsecondsFromMs(0),
    expiresAtUs: null,
  });
  return caller(url, key, workspaceId);
}
