import { aMessage, aSystemPrompt, aThinkingConfig } from './content-blocks.ts';
import {
  aBoolean,
  anInteger,
  anObject,
  aShare,
  aString,
  fields,
  integerAtLeast,
  listOfShape,
  nullable,
  oneOf,
  required,
  tagged,
  type Shape,
} from './field-shape.ts';
import { isGiven, type JsonObject } from './json-value.ts';
import { extraInput, invalid, type ParamsError } from './params-error.ts';
import { aTool, aToolChoice } from './tool-rules.ts';

const jsonFormat = tagged({ json_schema: fields({ schema: required(anObject) }) });

const userId: Shape = (path, value) =>
  aString(path, value) ??
  ((value as string).length <= 512 ? null : invalid(`${path}: String should have at most 512 characters`));

const aModelName: Shape = (path, value) =>
  aString(path, value) ?? (value === '' ? invalid(`${path}: String should have at least 1 character`) : null);

const stopSequence: Shape = (path, value) =>
  aString(path, value) ??
  ((value as string).trim() === '' ? invalid('stop_sequences: each stop sequence must contain non-whitespace') : null);

/** Every field of the Messages API with its shape, in the order their mistakes are reported. */
const FIELDS: Readonly<Record<string, Shape>> = {
  model: aModelName,
  max_tokens: anInteger,
  messages: listOfShape(aMessage),
  system: nullable(aSystemPrompt),
  tools: nullable(listOfShape(aTool)),
  tool_choice: nullable(aToolChoice),
  thinking: nullable(aThinkingConfig),
  output_config: nullable(
    fields({
      effort: nullable(oneOf(['low', 'medium', 'high', 'xhigh', 'max'])),
      format: nullable(jsonFormat),
    }),
  ),
  stop_sequences: nullable(listOfShape(stopSequence)),
  stream: nullable(aBoolean),
  temperature: nullable(aShare),
  top_p: nullable(aShare),
  top_k: nullable(integerAtLeast(0)),
  metadata: nullable(fields({ user_id: nullable(userId) })),
  service_tier: nullable(oneOf(['auto', 'standard_only'])),
  inference_geo: nullable(aString),
  container: nullable((path, value) => (typeof value === 'string' ? null : anObject(path, value))),
  cache_control: nullable(anObject),
  diagnostics: nullable(fields({ previous_message_id: nullable(aString) })),
  speed: nullable(oneOf(['standard', 'fast'])),
  user_profile_id: nullable(aString),
};

/** Fields that exist only while one of these betas is asked for, by the beta's name without its date. */
const BETA_FIELDS: Readonly<Record<string, readonly string[]>> = {
  mcp_servers: ['mcp-client'],
  context_management: ['context-management', 'compact'],
  compaction: ['compact'],
  fallbacks: ['server-side-fallback'],
  fallback_credit_token: ['fallback-credit', 'server-side-fallback'],
  billing_policy: ['user-profiles-billing'],
  output_format: ['structured-outputs'],
  thread: ['message-threads'],
  store: ['message-threads'],
  previous_thread_event_id: ['message-threads'],
};

/** Refuses a field the API does not know, or does not know without a beta. */
export function checkKnownFields(
  params: JsonObject,
  betas: readonly string[],
  refused: readonly string[],
): ParamsError | null {
  for (const name of Object.keys(params)) {
    if (refused.includes(name)) return extraInput(name);
    if (Object.hasOwn(FIELDS, name)) continue;
    const unlocking = Object.hasOwn(BETA_FIELDS, name) ? (BETA_FIELDS[name] ?? []) : [];
    if (!unlocking.some((beta) => betas.some((asked) => asked.startsWith(`${beta}-20`)))) return extraInput(name);
  }
  return null;
}

/** Checks the shape of every field present. */
export function checkFieldShapes(params: JsonObject): ParamsError | null {
  for (const name of Object.keys(FIELDS)) {
    if (params[name] === undefined) continue;
    const error = FIELDS[name]?.(name, params[name]) ?? null;
    if (error !== null) return error;
  }
  return nullable(jsonFormat)('output_format', params['output_format']) ?? checkThinkingBudget(params);
}

function checkThinkingBudget(params: JsonObject): ParamsError | null {
  const thinking = params['thinking'];
  if (!isGiven(thinking)) return null;
  const { type, budget_tokens: budget } = thinking as JsonObject;
  const limit = params['max_tokens'];
  if (type !== 'enabled' || typeof budget !== 'number' || typeof limit !== 'number' || limit === 0) return null;
  return budget < limit ? null : invalid('`max_tokens` must be greater than `thinking.budget_tokens`.');
}
