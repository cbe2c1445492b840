import type { Model } from '@batchwright/protocol';
import type { ResponseHeaders, SimulatorCall } from '../exchange.ts';
import { Hasher } from '../hash.ts';
import { headerOf } from '../terms.ts';

/** Whose call it is: caches are shared within a workspace and never beyond it. */
export interface Owner {
  readonly organization: string;
  readonly workspace: string;
  /** As the API names them on every response. */
  readonly headers: ResponseHeaders;
}

export const DEFAULT_OWNER: Owner = {
  organization: 'default',
  workspace: 'default',
  headers: {
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000001',
    'anthropic-workspace-id': 'wrkspc_sim_default',
  },
};

const SIMULATED_KEY = /^sk-sim-([A-Za-z0-9]+)-([A-Za-z0-9_-]+)$/;
const WORKSPACE_NAME = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * The owner a call's headers name. A key `sk-sim-<organization>-<workspace>`, in `x-api-key` or as a bearer token, names
 * both; any other key, or none, is the default owner's, for the simulator serves anybody. A server that calls with one
 * key for many workspaces of its own sends `batchwright-workspace`, which takes the place of the key's workspace; no
 * real upstream knows that header.
 */
export function ownerOf(headers: SimulatorCall['headers']): Owner {
  const key = headerOf(headers, 'x-api-key') || headerOf(headers, 'authorization').replace(/^Bearer\s+/i, '');
  const [, organization = 'default', keyed = 'default'] = SIMULATED_KEY.exec(key) ?? [];
  const sent = headerOf(headers, 'batchwright-workspace');
  const workspace = WORKSPACE_NAME.test(sent) ? sent : keyed;
  if (organization === 'default' && workspace === 'default') return DEFAULT_OWNER;
  return {
    organization,
    workspace,
    headers: {
      'anthropic-organization-id': organizationId(organization),
      'anthropic-workspace-id': workspace.startsWith('wrkspc_') ? workspace : `wrkspc_sim_${workspace}`,
    },
  };
}

/** What shares a cache: an owner's requests to one model on one surface. */
export function scopeOf(
  { organization, workspace }: Owner,
  model: Model,
  surface: 'sync' | 'batch' | 'shared',
): string {
  return `${organization}/${workspace}/${model.id}/${surface}`;
}

/** A UUID of the organisation's own, the same every time. */
function organizationId(name: string): string {
  if (name === 'default') return DEFAULT_OWNER.headers['anthropic-organization-id']!;
  const hex = new Hasher(0).text(name).hex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4000-8000-${hex.slice(12)}00000000`;
}
