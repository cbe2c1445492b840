import type { ApiVersion } from '@batchwright/protocol';
import { batchRefusal, checkRequired } from './batch-refusal.ts';
import { checkCacheMarkers } from './cache-markers.ts';
import { checkConversation } from './conversation.ts';
import { isJsonObject, listOf, type JsonObject } from './json-value.ts';
import { checkModelRules, type ParamsSurface } from './model-rules.ts';
import { invalid, type ParamsError } from './params-error.ts';
import { checkTools } from './tool-rules.ts';
import { checkFieldShapes, checkKnownFields } from './top-level-fields.ts';
import { checkVersionRules } from './version-rules.ts';
import { checkZeroOutput } from './zero-output.ts';

/** What a request's params are judged under. */
export interface ParamsContext {
  readonly surface: ParamsSurface;
  readonly version: ApiVersion;
  readonly betas: readonly string[];
}

/**
 * The params of one request against every rule of the Messages API; null when it would run. Takes a parsed value and
 * reports the first mistake, as the API does. A batch's own refusals come before the rest.
 */
export function validateParams(params: unknown, context: ParamsContext): ParamsError | null {
  if (context.surface === 'batch') {
    const refusal = batchRefusal(params, context.version);
    if (refusal !== null) return refusal;
  }
  if (!isJsonObject(params)) return invalid('Input should be an object');
  const isCount = context.surface === 'count_tokens';
  return (
    checkRequired(params, isCount ? COUNT_REQUIRED : REQUIRED) ??
    checkKnownFields(params, context.betas, isCount ? NOT_COUNTED : []) ??
    checkVersionRules(params, context.version) ??
    checkFieldShapes(params) ??
    (context.surface === 'sync' ? checkZeroOutput(params) : null) ??
    checkRules(params) ??
    checkModelRules(params, context.surface, context.betas)
  );
}

const REQUIRED = ['messages', 'max_tokens', 'model'] as const;
const COUNT_REQUIRED = ['messages', 'model'] as const;
const NOT_COUNTED = ['max_tokens', 'stream'] as const;

/** Rules across fields, once each field is sound by itself. */
function checkRules(params: JsonObject): ParamsError | null {
  return checkConversation(listOf(params['messages'])) ?? checkTools(params) ?? checkCacheMarkers(params);
}
