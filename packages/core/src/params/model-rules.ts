import { findModel, type Model } from '@batchwright/protocol';
import { endsWithPrefill } from './conversation.ts';
import { isGiven, isJsonObject, listOf, type JsonObject } from './json-value.ts';
import { invalid, type ParamsError } from './params-error.ts';
import { forcesTool } from './tool-rules.ts';

/** The surface a request arrives on; each has rules of its own. */
export type ParamsSurface = 'sync' | 'batch' | 'count_tokens';

const OUTPUT_300K_BETA = 'output-300k-2026-03-24';
const OUTPUT_300K_TOKENS = 300_000;

/** The rules that depend on which model is asked, on sound shapes. */
export function checkModelRules(
  params: JsonObject,
  surface: ParamsSurface,
  betas: readonly string[],
): ParamsError | null {
  const name = String(params['model']);
  const model = findModel(name);
  if (model === undefined) return { type: 'not_found_error', message: `model: ${name}` };
  return (
    checkOutputLimit(params['max_tokens'], model, surface, betas) ??
    checkSampling(params, model) ??
    checkPrefill(params, model) ??
    checkThinking(params, model) ??
    checkForcedTool(params, model)
  );
}

function checkOutputLimit(
  maxTokens: unknown,
  model: Model,
  surface: ParamsSurface,
  betas: readonly string[],
): ParamsError | null {
  const extended = surface === 'batch' && model.output300k && betas.includes(OUTPUT_300K_BETA);
  const limit = extended ? OUTPUT_300K_TOKENS : model.maxOutputTokens;
  if (typeof maxTokens !== 'number' || maxTokens <= limit) return null;
  return invalid(
    `max_tokens: ${maxTokens} > ${limit}, which is the maximum allowed number of output tokens for ${model.id}`,
  );
}

function checkSampling(params: JsonObject, model: Model): ParamsError | null {
  if (!model.fixedSampling) return null;
  const { temperature, top_p: topP, top_k: topK } = params;
  const refused =
    isGiven(temperature) && temperature !== 1
      ? 'temperature'
      : isGiven(topP) && (topP as number) < 0.99
        ? 'top_p'
        : isGiven(topK)
          ? 'top_k'
          : null;
  return refused === null ? null : invalid(`\`${refused}\` is deprecated for this model.`);
}

function checkPrefill(params: JsonObject, model: Model): ParamsError | null {
  if (!model.rejectsPrefill || !endsWithPrefill(listOf(params['messages']))) return null;
  return invalid(
    'This model does not support assistant message prefill. The conversation must end with a user message.',
  );
}

/** Models that always think: they refuse to have it switched off. */
const ALWAYS_THINKS = /^claude-(fable-5|mythos-5|opus-5-5)/;

function checkThinking(params: JsonObject, model: Model): ParamsError | null {
  const thinking = params['thinking'];
  if (!isJsonObject(thinking)) return null;
  const type = thinking['type'];
  // Extended thinking with a budget ended with the generation that also fixed sampling, Opus 4.7; adaptive came with 4.6.
  if (type === 'enabled' && model.fixedSampling) {
    return invalid(
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    );
  }
  if (type === 'disabled' && ALWAYS_THINKS.test(model.id)) {
    return invalid('"thinking.type.disabled" is not supported for this model.');
  }
  if (type === 'adaptive' && !model.reportsGeo) return invalid('adaptive thinking is not supported on this model');
  return type === 'enabled' ? checkThinkingPairs(params) : null;
}

/** What does not go together with extended thinking. */
function checkThinkingPairs(params: JsonObject): ParamsError | null {
  if (forcesTool(params)) return invalid('Thinking may not be enabled when tool_choice forces tool use.');
  const temperature = params['temperature'];
  if (isGiven(temperature) && temperature !== 1) {
    return invalid('`temperature` may only be set to 1 when thinking is enabled.');
  }
  if (isGiven(params['top_k'])) return invalid('`top_k` must be unset when thinking is enabled.');
  const topP = params['top_p'];
  if (typeof topP === 'number' && topP < 0.95) {
    return invalid('`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.');
  }
  return null;
}

function checkForcedTool(params: JsonObject, model: Model): ParamsError | null {
  if (!model.rejectsForcedTools || !forcesTool(params)) return null;
  const choice = params['tool_choice'] as JsonObject;
  return invalid(
    `tool_choice: \`${String(choice['type'])}\` is not supported for this model. Use \`auto\` or \`none\`.`,
  );
}
