import { LIMITS, type Problem } from '@batchwright/protocol';
import type { Cursor } from '../catalog/catalog.ts';

export type PageQuery =
  | { readonly type: 'page'; readonly cursor: Cursor; readonly limit: number }
  | { readonly type: 'refused'; readonly problem: Problem };

/** Reads `limit`, `after_id` and `before_id`; whatever else a query holds is ignored. An empty cursor is none. */
export function readPageQuery(query: string): PageQuery {
  const params = new URLSearchParams(query);
  const limit = readLimit(params.get('limit'));
  if (limit.type === 'refused') return limit;
  const after = params.get('after_id') ?? '';
  const before = params.get('before_id') ?? '';
  if (after !== '' && before !== '') return { type: 'refused', problem: { type: 'both_cursors' } };
  if (after !== '') return { type: 'page', cursor: { type: 'after', id: after }, limit: limit.value };
  if (before !== '') return { type: 'page', cursor: { type: 'before', id: before }, limit: limit.value };
  return { type: 'page', cursor: { type: 'first' }, limit: limit.value };
}

/** The problem of a cursor that names nothing. */
export function unknownCursor(cursor: Cursor): Problem {
  if (cursor.type === 'first') throw new Error('A first page has no cursor that could be unknown.');
  return { type: 'cursor_unknown', name: `${cursor.type}_id`, value: cursor.id };
}

function readLimit(
  text: string | null,
): { readonly type: 'limit'; readonly value: number } | { readonly type: 'refused'; readonly problem: Problem } {
  if (text === null) return { type: 'limit', value: LIMITS.pageSizeDefault };
  const value = /^\+?\d+$/.test(text) ? Number(text) : 0;
  const isInRange = value >= 1 && value <= LIMITS.pageSizeMaximum;
  return isInRange
    ? { type: 'limit', value }
    : { type: 'refused', problem: { type: 'limit_out_of_range', value: text } };
}
