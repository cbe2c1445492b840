import { makeId, microsecondsFromMs, type KeyId, type RandomBytes } from '@batchwright/protocol';
import type { Catalog, NewApiKey } from '../catalog/catalog.ts';
import { hashApiKey, keyHint, makeApiKey } from './api-key.ts';

/**
 * Sees to it that the default workspace can be used: stores the configured key, or makes one when no key exists yet.
 * Answers a key only when it was made just now, which is the one time it can be shown.
 */
export async function firstKey(
  catalog: Catalog,
  configured: string | null,
  randomBytes: RandomBytes,
  nowMs: number,
): Promise<string | null> {
  if (configured !== null) {
    await catalog.workspaces.addKey(await newKey(catalog, configured, 'configured', randomBytes, nowMs));
    return null;
  }
  if ((await catalog.workspaces.listKeys()).length > 0) return null;
  const key = makeApiKey(randomBytes);
  await catalog.workspaces.addKey(await newKey(catalog, key, 'first start', randomBytes, nowMs));
  return key;
}

async function newKey(
  catalog: Catalog,
  key: string,
  name: string,
  randomBytes: RandomBytes,
  nowMs: number,
): Promise<NewApiKey> {
  const workspace = await catalog.workspaces.default();
  return {
    id: makeId('key', randomBytes) as KeyId,
    workspaceId: workspace.id,
    name,
    hint: keyHint(key),
    sha256: hashApiKey(key),
    createdAtUs: microsecondsFromMs(nowMs),
    expiresAtUs: null,
  };
}
