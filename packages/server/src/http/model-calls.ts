import { findModel, MODELS, type Model } from '@batchwright/protocol';
import type { Call, Caller, Params, Room } from './call.ts';
import { forwardToUpstream } from './messages-calls.ts';
import { readPageQuery, unknownCursor } from './page-query.ts';
import { json, refuse, type Reply } from './reply.ts';

/** `GET /v1/models`: the upstream's list, or ours when it keeps none. */
export function listModels(room: Room, call: Call, _params: Params, _caller: Caller): Promise<Reply> {
  const target = { method: 'GET', path: '/v1/models', body: null } as const;
  return forwardToUpstream(room, call, target, (status) => (hasNone(status) ? ownList(call.query) : null));
}

/** `GET /v1/models/{id}`. */
export async function retrieveModel(room: Room, call: Call, params: Params, _caller: Caller): Promise<Reply> {
  const id = params['model_id'] ?? '';
  // These two would climb out of `/v1/models` on the upstream's host, under the server's credential.
  if (id === '.' || id === '..') return refuse({ type: 'model_not_found', model: id });
  const target = { method: 'GET', path: `/v1/models/${encodeURIComponent(id)}`, body: null } as const;
  return forwardToUpstream(room, call, target, (status) => (hasNone(status) ? ownModel(id) : null));
}

/** Upstreams that serve no models endpoint answer one of these. */
function hasNone(status: number): boolean {
  return status === 404 || status === 405;
}

function ownModel(id: string): Reply {
  const model = findModel(id);
  return model === undefined ? refuse({ type: 'model_not_found', model: id }) : json(modelObject(model));
}

function ownList(query: string): Reply {
  const page = readPageQuery(query);
  if (page.type === 'refused') return refuse(page.problem);
  const { cursor, limit } = page;
  const at = cursor.type === 'first' ? -1 : MODELS.findIndex((model) => model.id === cursor.id);
  if (cursor.type !== 'first' && at === -1) return refuse(unknownCursor(cursor));
  const isBackward = cursor.type === 'before';
  const start = isBackward ? Math.max(0, at - limit) : at + 1;
  const end = isBackward ? at : start + limit;
  const data = MODELS.slice(start, end).map(modelObject);
  return json({
    data,
    has_more: isBackward ? start > 0 : end < MODELS.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  });
}

function modelObject(model: Model) {
  return {
    type: 'model',
    id: model.id,
    display_name: model.displayName,
    created_at: model.createdAt,
    max_input_tokens: model.maxInputTokens,
    max_tokens: model.maxOutputTokens,
    lifecycle: model.lifecycle,
    capabilities: { batch: { supported: true } },
  };
}
