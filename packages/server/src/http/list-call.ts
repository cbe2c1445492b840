import type { MessageBatch, Page } from '@batchwright/protocol';
import { batchObject, isPlausibleId } from './batch-lookup.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { readPageQuery, unknownCursor } from './page-query.ts';
import { json, refuse, type Reply } from './reply.ts';

/** `GET /v1/messages/batches`: the workspace's batches, newest first whichever way the page was reached. */
export async function listBatches(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  const query = readPageQuery(call.query);
  if (query.type === 'refused') return refuse(query.problem);
  const { cursor, limit } = query;
  if (cursor.type !== 'first' && !isPlausibleId(cursor.id)) return refuse(unknownCursor(cursor));
  const page = await room.services.catalog.batches.list(caller.workspaceId, cursor, limit);
  if (page === 'unknown_cursor') return refuse(unknownCursor(cursor));
  const data = page.batches.map((batch) => batchObject(room, call, batch));
  const body: Page<MessageBatch> = {
    data,
    has_more: page.hasMore,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
  return json(body);
}
