import type { Call, Caller, Params, Room } from './call.ts';
import { forwardToUpstream } from './messages-calls.ts';
import { refuse, type Reply } from './reply.ts';

/** `GET /v1/models`: the upstream's list. One that keeps none has none, and ours would name models it does not serve. */
export function listModels(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  const target = { method: 'GET', path: '/v1/models', body: null } as const;
  const none = refuse({ type: 'path_not_found', path: target.path });
  return forwardToUpstream(room, call, caller, target, (status) => (hasNone(status) ? none : null));
}

/** `GET /v1/models/{id}`. */
export async function retrieveModel(room: Room, call: Call, params: Params, caller: Caller): Promise<Reply> {
  const id = params['model_id'] ?? '';
  const missing = refuse({ type: 'model_not_found', model: id });
  // These two would climb out of `/v1/models` on the upstream's host, under the server's credential.
  if (id === '.' || id === '..') return missing;
  const target = { method: 'GET', path: `/v1/models/${encodeURIComponent(id)}`, body: null } as const;
  return forwardToUpstream(room, call, caller, target, (status) => (hasNone(status) ? missing : null));
}

/** Upstreams that serve no models endpoint answer one of these, in whatever form. */
function hasNone(status: number): boolean {
  return status === 404 || status === 405;
}
