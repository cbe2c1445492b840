import { randomBytes } from 'node:crypto';
import { formatOptionalTimestamp, formatTimestamp, makeId, microsecondsFromMs } from '@batchwright/protocol';
import type { KeyId, MicrosecondsUtc } from '@batchwright/protocol';
import { hashApiKey, keyHint, makeApiKey } from '@batchwright/server';
import type { ApiKey, Catalog } from '@batchwright/server';
import { durationMs } from '../duration.ts';
import { EXIT_FAILED, EXIT_MISUSED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { formatTable } from '../output/table.ts';
import { findWorkspace, nowUs } from './administration.ts';

export interface KeyRequest {
  readonly workspace?: string;
  readonly name?: string;
  readonly expires?: string;
  readonly json?: boolean;
}

/** Makes a key and prints it, this once: alone on standard output, so that `$(…)` takes it as it is. */
export async function createKey(catalog: Catalog, request: KeyRequest, host: Host): Promise<number> {
  const lifeMs = request.expires === undefined ? null : durationMs(request.expires);
  if (lifeMs === undefined) {
    complain(
      host,
      `--expires is "${request.expires}", but must be a duration such as 90m, 12h, 30d or 2w, ten years at most.`,
    );
    return EXIT_MISUSED;
  }
  const workspace = await findWorkspace(catalog, request.workspace);
  if (workspace === null) {
    complain(host, `there is no workspace "${request.workspace}". See batchwright workspaces list.`);
    return EXIT_FAILED;
  }
  const key = makeApiKey(randomBytes);
  const created: ApiKey = {
    id: makeId('key', randomBytes) as KeyId,
    workspaceId: workspace.id,
    name: request.name ?? 'key',
    hint: keyHint(key),
    createdAtUs: nowUs(host),
    expiresAtUs: lifeMs === null ? null : microsecondsFromMs(host.now() + lifeMs),
    revokedAtUs: null,
  };
  const { revokedAtUs: _, ...fresh } = created;
  await catalog.workspaces.addKey({ ...fresh, sha256: hashApiKey(key) });
  if (request.json === true) host.out(`${JSON.stringify({ ...keyJson(created, workspace.name), key })}\n`);
  else {
    host.out(`${key}\n`);
    host.err(`${created.id} in workspace ${workspace.name}, ${expiryText(created)}. The key is not shown again.\n`);
  }
  return EXIT_OK;
}

/** Lists every key, revoked and expired ones included, by hint. */
export async function listKeys(catalog: Catalog, options: { readonly json?: boolean }, host: Host): Promise<number> {
  const [keys, workspaces] = await Promise.all([catalog.workspaces.listKeys(), catalog.workspaces.list()]);
  const names = new Map(workspaces.map((workspace) => [workspace.id, workspace.name]));
  const workspaceName = (key: ApiKey): string => names.get(key.workspaceId) ?? key.workspaceId;
  if (options.json === true) {
    host.out(`${JSON.stringify(keys.map((key) => keyJson(key, workspaceName(key))))}\n`);
    return EXIT_OK;
  }
  const rows = keys.map((key) => [
    key.id,
    key.name,
    workspaceName(key),
    key.hint,
    formatTimestamp(key.createdAtUs).slice(0, 10),
    keyState(key, nowUs(host)),
  ]);
  host.out(formatTable(['ID', 'NAME', 'WORKSPACE', 'KEY', 'CREATED', 'STATE'], rows, host.outIsTerminal));
  return EXIT_OK;
}

/** Revokes a key by its id; the next call made with it is refused. */
export async function revokeKey(catalog: Catalog, id: string, host: Host): Promise<number> {
  const outcome = await catalog.workspaces.revokeKey(id as KeyId, nowUs(host));
  if (outcome === 'missing') {
    complain(host, `there is no key with the id "${id}". See batchwright keys list.`);
    return EXIT_FAILED;
  }
  host.err(`${id} is revoked.\n`);
  return EXIT_OK;
}

function keyJson(key: ApiKey, workspace: string): Readonly<Record<string, unknown>> {
  return {
    id: key.id,
    name: key.name,
    workspace,
    workspace_id: key.workspaceId,
    hint: key.hint,
    created_at: formatTimestamp(key.createdAtUs),
    expires_at: formatOptionalTimestamp(key.expiresAtUs),
    revoked_at: formatOptionalTimestamp(key.revokedAtUs),
  };
}

function keyState(key: ApiKey, now: MicrosecondsUtc): string {
  if (key.revokedAtUs !== null) return 'revoked';
  if (key.expiresAtUs !== null && key.expiresAtUs <= now) return 'expired';
  return expiryText(key);
}

function expiryText(key: ApiKey): string {
  return key.expiresAtUs === null ? 'never expires' : `expires ${formatTimestamp(key.expiresAtUs).slice(0, 10)}`;
}
