import type { JsonObject } from '@batchwright/core';
import type { Model, StopReason, Usage } from '@batchwright/protocol';
import type { Answer, AnswerBlock } from '../answer/answer.ts';
import type { InputBill } from '../cache/prompt-cache.ts';

export type Surface = 'sync' | 'batch';

/** A message with every key the newest clients know. */
export interface SimulatedMessage {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: readonly AnswerBlock[];
  readonly stop_reason: StopReason | null;
  readonly stop_sequence: string | null;
  readonly stop_details: null;
  readonly container: null;
  readonly diagnostics: null;
  readonly usage: SimulatedUsage;
}

export interface SimulatedUsage extends Usage {
  readonly output_tokens_details: { readonly thinking_tokens: number } | null;
  readonly server_tool_use: null;
  readonly speed: 'standard' | 'fast';
}

export function messageOf(
  id: string,
  params: JsonObject,
  model: Model,
  surface: Surface,
  bill: InputBill,
  answer: Answer,
): SimulatedMessage {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: model.id,
    content: answer.content,
    stop_reason: answer.stopReason,
    stop_sequence: answer.stopSequence,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: usageOf(params, model, surface, bill, answer),
  };
}

function usageOf(params: JsonObject, model: Model, surface: Surface, bill: InputBill, answer: Answer): SimulatedUsage {
  const geo = params['inference_geo'];
  return {
    input_tokens: bill.inputTokens,
    output_tokens: answer.outputTokens,
    cache_creation_input_tokens: bill.write5mTokens + bill.write1hTokens,
    cache_read_input_tokens: bill.readTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: bill.write5mTokens,
      ephemeral_1h_input_tokens: bill.write1hTokens,
    },
    output_tokens_details: answer.thinkingTokens === 0 ? null : { thinking_tokens: answer.thinkingTokens },
    server_tool_use: null,
    service_tier: surface === 'batch' ? 'batch' : 'standard',
    inference_geo: model.reportsGeo ? (typeof geo === 'string' ? geo : 'global') : 'not_available',
    speed: params['speed'] === 'fast' ? 'fast' : 'standard',
  };
}
