import { findModel, MODELS, type Model, type Page, type Problem } from '@batchwright/protocol';
import { pageOf } from './page.ts';

/** A model as `GET /v1/models` describes it. */
export interface ModelInfo {
  readonly type: 'model';
  readonly id: string;
  readonly [key: string]: unknown;
}

const LIFECYCLES = ['active', 'deprecated', 'retired'];

/** A page of models; retired ones appear only when asked for. */
export function listModels(query: URLSearchParams): Page<ModelInfo> | Problem {
  const wanted = lifecyclesIn(query);
  const unknown = wanted.find((name) => !LIFECYCLES.includes(name));
  if (unknown !== undefined) {
    return { type: 'field_wrong', path: 'lifecycle.0', reason: "Input should be 'active', 'deprecated' or 'retired'" };
  }
  const models = MODELS.filter((model) => wanted.includes(model.lifecycle));
  const page = pageOf(models, query);
  return 'data' in page ? { ...page, data: page.data.map(infoOf) } : page;
}

export function describeModel(name: string): ModelInfo | Problem {
  const model = findModel(name);
  return model === undefined ? { type: 'model_not_found', model: name } : infoOf(model);
}

export function isProblem(value: Problem | ModelInfo | Page<ModelInfo>): value is Problem {
  return !('data' in value) && value.type !== 'model';
}

/** SDKs spell a list in a query in more than one way. */
function lifecyclesIn(query: URLSearchParams): readonly string[] {
  const given = [...query.getAll('lifecycle'), ...query.getAll('lifecycle[]')].flatMap((value) => value.split(','));
  return given.length === 0 ? ['active', 'deprecated'] : given;
}

function infoOf(model: Model): ModelInfo {
  return {
    type: 'model',
    id: model.id,
    display_name: model.displayName,
    created_at: model.createdAt,
    max_input_tokens: model.maxInputTokens,
    max_tokens: model.maxOutputTokens,
    lifecycle: model.lifecycle,
    line: /haiku|sonnet|opus|fable|mythos/.exec(model.id)?.[0] ?? null,
    deprecated_at: null,
    retires_at: null,
    capabilities: capabilitiesOf(model),
  };
}

const yes = { supported: true };
const no = { supported: false };
const is = (supported: boolean): { readonly supported: boolean } => ({ supported });

/** What the simulator simulates; what it does not, such as running code or searching the web, is not claimed. */
function capabilitiesOf(model: Model): object {
  return {
    batch: yes,
    citations: no,
    code_execution: no,
    context_management: {
      supported: false,
      clear_thinking_20251015: null,
      clear_tool_uses_20250919: null,
      compact_20260112: null,
    },
    effort: { supported: true, low: yes, medium: yes, high: yes, max: yes, xhigh: is(model.fixedSampling) },
    image_input: yes,
    pdf_input: yes,
    server_tools: { supported: false, code_execution: no, web_search: no },
    structured_outputs: yes,
    thinking: {
      supported: true,
      types: { adaptive: is(model.reportsGeo), between_tools: no, disabled: yes, enabled: is(!model.fixedSampling) },
    },
  };
}
