import { isGiven, isJsonObject, type JsonObject } from './json-value.ts';
import { invalid, type ParamsError } from './params-error.ts';
import { forcesTool } from './tool-rules.ts';

/**
 * A synchronous request for no output at all (`max_tokens: 0`) fills the cache and answers with empty content. It may
 * ask for nothing that only an answer could give.
 */
export function checkZeroOutput(params: JsonObject): ParamsError | null {
  const maxTokens = params['max_tokens'];
  if (typeof maxTokens === 'number' && maxTokens < 0) return invalid('max_tokens: must be greater than or equal to 0');
  if (maxTokens !== 0) return null;
  const conflict = conflictWithZero(params);
  return conflict === null ? null : invalid(`max_tokens: 0 is not supported with ${conflict}.`);
}

function conflictWithZero(params: JsonObject): string | null {
  if (params['stream'] === true) return '`stream: true`';
  const { thinking, output_config: outputConfig } = params;
  if (isJsonObject(thinking) && thinking['type'] === 'enabled') return '`thinking.type: "enabled"`';
  if (isJsonObject(outputConfig) && isGiven(outputConfig['format'])) return '`output_config.format`';
  return forcesTool(params) ? '`tool_choice` of type `any` or `tool`' : null;
}
