import type { ApiVersion } from '@batchwright/protocol';
import { checkCacheMarkers } from './cache-markers.ts';
import { isGiven, isJsonObject, type JsonObject } from './json-value.ts';
import { extraInput, fieldRequired, invalid, type ParamsError } from './params-error.ts';
import { checkVersionRules } from './version-rules.ts';

/**
 * What a batch server knows to be wrong without asking any upstream: the rules that hold whatever models the upstream
 * has. Unknown models, unknown keys and token limits are not among them, since a self-hosted upstream may know better.
 */
export function batchRefusal(params: unknown, version: ApiVersion): ParamsError | null {
  if (!isJsonObject(params)) return invalid('params: Input should be an object');
  return (
    checkBatchOnly(params) ??
    checkRequired(params, REQUIRED) ??
    (params['betas'] === undefined ? null : extraInput('betas')) ??
    checkOutputAtLeastOne(params['max_tokens']) ??
    checkVersionRules(params, version) ??
    checkCacheMarkers(params)
  );
}

const REQUIRED = ['messages', 'max_tokens', 'model'] as const;

/** Fields that must be there, in the order their absence is reported. */
export function checkRequired(params: JsonObject, names: readonly string[]): ParamsError | null {
  const missing = names.find((name) => params[name] === undefined);
  return missing === undefined ? null : fieldRequired(missing);
}

/** Parameters the batch path refuses by design; values that change nothing pass. */
const BATCH_ONLY: readonly (readonly [key: string, refused: (value: unknown) => boolean, shown: string])[] = [
  ['stream', (value) => value === true, 'stream=True'],
  ['speed', (value) => isGiven(value) && value !== 'standard', 'speed'],
  ['store', (value) => isGiven(value) && value !== false, 'store'],
  ['previous_thread_event_id', isGiven, 'previous_thread_event_id'],
  ['thread', isGiven, 'thread'],
  ['cache_hint', isGiven, 'cache_hint'],
  ['context_hint', isGiven, 'context_hint'],
  ['research_preview_2026_02', (value) => value === 'active', 'research_preview_2026_02'],
  ['fallbacks', isGiven, 'fallbacks'],
];

function checkBatchOnly(params: JsonObject): ParamsError | null {
  for (const [key, refused, shown] of BATCH_ONLY) {
    if (refused(params[key])) return invalid(`"${shown}" is not supported in the Message Batches API`);
  }
  return null;
}

function checkOutputAtLeastOne(maxTokens: unknown): ParamsError | null {
  if (typeof maxTokens !== 'number' || maxTokens >= 1) return null;
  return invalid('max_tokens: must be greater than or equal to 1');
}
