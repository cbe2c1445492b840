import { microsecondsFromMs, type Problem } from '@batchwright/protocol';
import { hashApiKey } from '../runtime/api-key.ts';
import type { Call, Caller, Room } from './call.ts';
import { readCredential } from './credential.ts';
import { readDialect } from './dialect.ts';

export type Admission =
  | { readonly type: 'admitted'; readonly caller: Caller }
  | { readonly type: 'refused'; readonly problem: Problem };

/**
 * Lets a caller in: key, version, betas, workspace header, in this order. The key is looked up by its hash for every
 * call and never cached, so that revoking it works at once; the lookup costs some microseconds.
 */
export async function admitCaller(room: Room, call: Call): Promise<Admission> {
  const { catalog, settings } = room.services;
  const key = await verifyKey(room, call);
  if (key.type === 'refused') return key;
  const { id: keyId, workspaceId } = key.apiKey;

  call.facts.workspaceId = workspaceId;
  call.response.setHeader('anthropic-organization-id', catalog.organizationId);
  call.response.setHeader('anthropic-workspace-id', workspaceId);

  const dialect = readDialect(call.request.headers, settings.extraBetas);
  if (dialect.type === 'refused') return dialect;
  // The same answer for workspaces that exist and that do not: nothing is learnt about others.
  const named = String(call.request.headers['anthropic-workspace-id'] ?? '').trim();
  if (named !== '' && named !== workspaceId) {
    return { type: 'refused', problem: { type: 'wrong_workspace', workspaceId: named } };
  }
  const { apiVersion, betas } = dialect;
  return { type: 'admitted', caller: { keyId, workspaceId, apiVersion, betas } };
}

/** Whether the call carries a live key, whatever else it lacks. */
export async function verifyKey(room: Room, call: Call) {
  const credential = readCredential(call.request.headers);
  if (credential.type === 'refused') return credential;
  const nowUs = microsecondsFromMs(room.services.clock.now());
  const apiKey = await room.services.catalog.workspaces.findKey(hashApiKey(credential.key), nowUs);
  if (apiKey === null) return { type: 'refused', problem: { type: 'bad_credential' } } as const;
  return { type: 'verified', apiKey } as const;
}
