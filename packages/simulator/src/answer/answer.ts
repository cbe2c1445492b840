import { Buffer } from 'node:buffer';
import { isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import type { Model, StopReason } from '@batchwright/protocol';
import { Hasher } from '../hash.ts';
import type { Prompt } from '../prompt/prompt.ts';
import { cutToTokens, textTokens } from '../prompt/tokens.ts';
import { prose, thoughts } from './prose.ts';
import { instanceOf } from './schema-instance.ts';
import { toolToCall, type CallableTool } from './tool-call.ts';

export type AnswerBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'text'; readonly text: string; readonly citations: null }
  | {
      readonly type: 'tool_use';
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
      readonly caller: { readonly type: 'direct' };
    };

/** What a simulated model answers, before it is put into a message. */
export interface Answer {
  readonly content: readonly AnswerBlock[];
  readonly stopReason: StopReason;
  readonly stopSequence: string | null;
  readonly outputTokens: number;
  readonly thinkingTokens: number;
}

/** The answer to a prompt: a function of the params alone, so that caching, retries and order never change it. */
export function composeAnswer(params: JsonObject, prompt: Prompt, model: Model, callId: string): Answer {
  const maxTokens = Number(params['max_tokens']);
  if (maxTokens === 0) return { ...ENDED, content: [], stopReason: 'max_tokens', outputTokens: 0 };
  const thought = think(params, prompt, maxTokens);
  const room = maxTokens - thought.tokens;
  const tool = toolToCall(params, prompt);
  const spoken = tool === null ? speak(params, prompt, model, room) : call(tool, prompt, room, callId);
  return {
    ...spoken,
    content: [...thought.blocks, ...spoken.content],
    outputTokens: thought.tokens + spoken.outputTokens,
    thinkingTokens: thought.tokens,
  };
}

const ENDED = { stopReason: 'end_turn', stopSequence: null, thinkingTokens: 0 } as const;

/** Adaptive thinking is the model's to skip: it does where there is hardly room, and where a tool is forced. */
const ROOM_TO_THINK_TOKENS = 256;

function think(
  params: JsonObject,
  prompt: Prompt,
  maxTokens: number,
): { readonly tokens: number; readonly blocks: readonly AnswerBlock[] } {
  const config = params['thinking'];
  const type = isJsonObject(config) ? config['type'] : undefined;
  const choice = params['tool_choice'];
  const isForced = isJsonObject(choice) && (choice['type'] === 'any' || choice['type'] === 'tool');
  const thinks = type === 'enabled' || (type === 'adaptive' && maxTokens >= ROOM_TO_THINK_TOKENS && !isForced);
  if (!thinks || !isJsonObject(config)) return { tokens: 0, blocks: [] };
  const text = thoughts(prompt);
  const thinking = config['display'] === 'omitted' ? '' : text;
  const signature = Buffer.from(`sim ${new Hasher(prompt.hash).text(text).hex()}`).toString('base64');
  return { tokens: textTokens(text), blocks: [{ type: 'thinking', thinking, signature }] };
}

function call(tool: CallableTool, prompt: Prompt, room: number, callId: string): Answer {
  const input = instanceOf(tool.inputSchema, prompt.hash);
  const tokens = prompt.directive.out ?? textTokens(tool.name) + textTokens(JSON.stringify(input));
  const block = { type: 'tool_use', id: `toolu_sim_${callId}`, name: tool.name, caller: { type: 'direct' } } as const;
  // A call cut short has no usable input: the API, too, hands over what little it has.
  if (tokens > room) {
    return { ...ENDED, content: [{ ...block, input: {} }], stopReason: 'max_tokens', outputTokens: room };
  }
  return { ...ENDED, content: [{ ...block, input: input ?? {} }], stopReason: 'tool_use', outputTokens: tokens };
}

function speak(params: JsonObject, prompt: Prompt, model: Model, room: number): Answer {
  const schema = formatSchema(params);
  const wanted = prompt.directive.out;
  const whole =
    schema === undefined ? fitted(prose(prompt, model), wanted) : JSON.stringify(instanceOf(schema, prompt.hash));
  const stop = firstStop(whole, listOf(params['stop_sequences']));
  const said = stop === null ? whole : whole.slice(0, stop.at);
  const tokens = schema === undefined || wanted === undefined ? textTokens(said) : wanted;
  if (tokens > room) {
    const text = cutToTokens(said, room);
    return { ...ENDED, content: [textBlock(text)], stopReason: 'max_tokens', outputTokens: room };
  }
  return {
    ...ENDED,
    content: said === '' ? [] : [textBlock(said)],
    stopReason: stop === null ? 'end_turn' : 'stop_sequence',
    stopSequence: stop?.sequence ?? null,
    outputTokens: tokens,
  };
}

function textBlock(text: string): AnswerBlock {
  return { type: 'text', text, citations: null };
}

/** The schema an answer in JSON must satisfy, from either place a client may put it. */
function formatSchema(params: JsonObject): unknown {
  const config = params['output_config'];
  const format = (isJsonObject(config) ? config['format'] : undefined) ?? params['output_format'];
  return isJsonObject(format) ? format['schema'] : undefined;
}

const FILLER = ' Simulated words follow, as many as were asked for.';

/** The text made as long as a directive asks, to the token. */
function fitted(text: string, tokens: number | undefined): string {
  if (tokens === undefined) return text;
  const missing = tokens * 4 - Buffer.byteLength(text);
  return missing <= 0
    ? cutToTokens(text, tokens)
    : text + FILLER.repeat(Math.ceil(missing / FILLER.length)).slice(0, missing);
}

function firstStop(
  text: string,
  sequences: readonly unknown[],
): { readonly at: number; readonly sequence: string } | null {
  let first: { at: number; sequence: string } | null = null;
  for (const sequence of sequences) {
    if (typeof sequence !== 'string') continue;
    const at = text.indexOf(sequence);
    if (at >= 0 && (first === null || at < first.at)) first = { at, sequence };
  }
  return first;
}
