import { nanoUsdOf, type BatchOptions, type CountsMode, type MarkerMode } from '@batchwright/core';
import type { Problem } from '@batchwright/protocol';
import type { IncomingHttpHeaders } from 'node:http';
import { parseJsonObject } from './json-object.ts';

type Refused = { readonly type: 'refused'; readonly problem: Problem };

export type ReadOptions = { readonly type: 'read'; readonly options: BatchOptions } | Refused;

const HEADER = 'batchwright-options';
const COUNTS: readonly string[] = ['live', 'strict'] satisfies readonly CountsMode[];
const NAMES: ReadonlySet<string> = new Set(['counts', 'markers', 'budget_usd']);
const MARKERS: readonly string[] = ['respect', 'auto', 'off'] satisfies readonly MarkerMode[];

/**
 * Create-time options, which ride in a header as JSON because the body is the API's; what is not given is as usual. An
 * unknown option is refused and not ignored: whoever sends one relies on it.
 */
export function readBatchOptions(headers: IncomingHttpHeaders, usual: BatchOptions): ReadOptions {
  const text = String(headers[HEADER] ?? '').trim();
  if (text === '') return { type: 'read', options: usual };
  const value = parseJsonObject(text);
  if (value === null) return invalid('value', 'Input should be a JSON object');
  const unknown = Object.keys(value).find((name) => !NAMES.has(name));
  if (unknown !== undefined) return invalid(unknown, 'Extra inputs are not permitted');
  const { counts = usual.counts, markers = usual.markers } = value;
  if (typeof counts !== 'string' || !COUNTS.includes(counts)) {
    return invalid('counts', `Input should be 'live' or 'strict'`);
  }
  if (typeof markers !== 'string' || !MARKERS.includes(markers)) {
    return invalid('markers', `Input should be 'respect', 'auto' or 'off'`);
  }
  const usd = value['budget_usd'];
  const budgetNanoUsd = usd === undefined ? usual.budgetNanoUsd : nanoUsdOf(usd);
  // Null takes back a budget that there would be otherwise, as in a rerun; elsewhere it is a mistake.
  const isTakenBack = usd === null && usual.budgetNanoUsd !== null;
  if (budgetNanoUsd === null && usd !== undefined && !isTakenBack) return invalid('budget_usd', NO_AMOUNT);
  return {
    type: 'read',
    options: { counts: counts as CountsMode, markers: markers as MarkerMode, budgetNanoUsd },
  };
}

/** What a budget must be, in words. */
export const NO_AMOUNT =
  'Input should be an amount in dollars above 0 and up to 9007199 with at most 9 decimals, such as "12.50"';

const PROFILE_HEADER = 'anthropic-user-profile-id';

export type ReadProfile = { readonly type: 'read'; readonly userProfileId: string | null } | Refused;

/** The profile that every request of the batch is attributed to, if one is named. */
export function readUserProfile(headers: IncomingHttpHeaders): ReadProfile {
  const id = String(headers[PROFILE_HEADER] ?? '').trim();
  if (id === '') return { type: 'read', userProfileId: null };
  if (/^[\x21-\x7e]{1,256}$/.test(id)) return { type: 'read', userProfileId: id };
  const reason = 'String should be 1 to 256 printable characters';
  return { type: 'refused', problem: { type: 'field_wrong', path: PROFILE_HEADER, reason } };
}

function invalid(name: string, reason: string): Refused {
  return { type: 'refused', problem: { type: 'option_invalid', name, reason } };
}
