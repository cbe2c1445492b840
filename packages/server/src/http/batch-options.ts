import type { BatchOptions, CountsMode, MarkerMode } from '@batchwright/core';
import type { Problem } from '@batchwright/protocol';
import type { IncomingHttpHeaders } from 'node:http';

type Refused = { readonly type: 'refused'; readonly problem: Problem };

export type ReadOptions = { readonly type: 'read'; readonly options: BatchOptions } | Refused;

const HEADER = 'batchwright-options';
const COUNTS: readonly string[] = ['live', 'strict'] satisfies readonly CountsMode[];
const MARKERS: readonly string[] = ['respect', 'auto', 'off'] satisfies readonly MarkerMode[];

/**
 * Create-time options, which ride in a header as JSON because the body is the API's; what is not given is as usual. An
 * unknown option is refused and not ignored: whoever sends one relies on it.
 */
export function readBatchOptions(headers: IncomingHttpHeaders, usual: BatchOptions): ReadOptions {
  const text = String(headers[HEADER] ?? '').trim();
  if (text === '') return { type: 'read', options: usual };
  const value = parseObject(text);
  if (value === null) return invalid('value', 'Input should be a JSON object');
  const unknown = Object.keys(value).find((name) => !(name in usual));
  if (unknown !== undefined) return invalid(unknown, 'Extra inputs are not permitted');
  const { counts = usual.counts, markers = usual.markers } = value;
  if (typeof counts !== 'string' || !COUNTS.includes(counts)) {
    return invalid('counts', `Input should be 'live' or 'strict'`);
  }
  if (typeof markers !== 'string' || !MARKERS.includes(markers)) {
    return invalid('markers', `Input should be 'respect', 'auto' or 'off'`);
  }
  return { type: 'read', options: { counts: counts as CountsMode, markers: markers as MarkerMode } };
}

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

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function invalid(name: string, reason: string): Refused {
  return { type: 'refused', problem: { type: 'option_invalid', name, reason } };
}
