import { LIMITS, type Page, type Problem } from '@batchwright/protocol';

/** The page of a list that a query asks for, in the list's own order whichever way it is read. */
export function pageOf<Item extends { readonly id: string }>(
  items: readonly Item[],
  query: URLSearchParams,
): Page<Item> | Problem {
  const raw = query.get('limit') ?? String(LIMITS.pageSizeDefault);
  const limit = Number(raw);
  if (!/^\d+$/.test(raw) || limit < 1 || limit > LIMITS.pageSizeMaximum) {
    return { type: 'limit_out_of_range', value: raw };
  }
  const after = query.get('after_id');
  const before = query.get('before_id');
  if (after !== null && before !== null) return { type: 'both_cursors' };
  const cursor = after ?? before;
  const at = cursor === null ? -1 : items.findIndex((item) => item.id === cursor);
  if (cursor !== null && at < 0) {
    return { type: 'cursor_unknown', name: after === null ? 'before_id' : 'after_id', value: cursor };
  }
  const start = before === null ? at + 1 : Math.max(0, at - limit);
  const shown = items.slice(start, before === null ? start + limit : at);
  return {
    data: shown,
    has_more: before === null ? start + limit < items.length : start > 0,
    first_id: shown[0]?.id ?? null,
    last_id: shown.at(-1)?.id ?? null,
  };
}
