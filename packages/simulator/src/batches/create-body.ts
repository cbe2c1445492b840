import { isJsonObject, type JsonObject } from '@batchwright/core';
import { CUSTOM_ID_PATTERN, LIMITS, type Problem } from '@batchwright/protocol';

/** One request of a batch, its params not yet judged. */
export interface BatchItem {
  readonly customId: string;
  readonly params: JsonObject;
}

const CUSTOM_ID = new RegExp(CUSTOM_ID_PATTERN);

/** The items of a create call's body, or the first mistake that makes the whole call fail. */
export function readCreateBody(body: unknown): readonly BatchItem[] | Problem {
  if (!isJsonObject(body)) return { type: 'field_wrong', path: '', reason: 'Input should be an object' };
  const { requests } = body;
  if (requests === undefined) return { type: 'field_missing', path: 'requests' };
  const extra = Object.keys(body).find((key) => key !== 'requests');
  if (extra !== undefined) return { type: 'field_extra', path: extra };
  if (!Array.isArray(requests)) {
    return { type: 'field_wrong', path: 'requests', reason: 'Input should be a valid list' };
  }
  if (requests.length === 0) return { type: 'requests_empty' };
  if (requests.length > LIMITS.batchRequests) return { type: 'requests_too_many', count: requests.length };
  return readItems(requests);
}

export function isItems(value: readonly BatchItem[] | Problem): value is readonly BatchItem[] {
  return Array.isArray(value);
}

function readItems(requests: readonly unknown[]): readonly BatchItem[] | Problem {
  const items: BatchItem[] = [];
  const customIds = new Set<string>();
  for (let index = 0; index < requests.length; index++) {
    const item = readItem(requests[index], index);
    if ('type' in item) return item;
    if (customIds.has(item.customId)) return { type: 'custom_id_duplicate', customId: item.customId };
    customIds.add(item.customId);
    items.push(item);
  }
  return items;
}

function readItem(value: unknown, index: number): BatchItem | Problem {
  const path = `requests.${index}`;
  if (!isJsonObject(value)) return { type: 'field_wrong', path, reason: 'Input should be an object' };
  const { custom_id: customId, params } = value;
  if (customId === undefined) return { type: 'field_missing', path: `${path}.custom_id` };
  if (typeof customId !== 'string') {
    return { type: 'field_wrong', path: `${path}.custom_id`, reason: 'Input should be a valid string' };
  }
  if (customId === '') return { type: 'custom_id_empty', index };
  if (customId.length > LIMITS.customIdCharacters) return { type: 'custom_id_too_long', index };
  if (!CUSTOM_ID.test(customId)) return { type: 'custom_id_pattern', index };
  if (params === undefined) return { type: 'field_missing', path: `${path}.params` };
  if (!isJsonObject(params)) {
    return { type: 'field_wrong', path: `${path}.params`, reason: 'Input should be an object' };
  }
  const extra = Object.keys(value).find((key) => key !== 'custom_id' && key !== 'params');
  return extra === undefined ? { customId, params } : { type: 'field_extra', path: `${path}.${extra}` };
}
