import { isGiven, isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import type { Tier } from '../prompt/prompt.ts';

/**
 * What sets equal prompts apart, by the tier from which on it does: a change of a tool choice leaves the tools and the
 * system prompt cached, a change of the thinking budget leaves nothing. The model is no salt, since each has its cache.
 */
export type Salts = Readonly<Record<Tier, string>>;

export interface SaltedBy {
  readonly betas: readonly string[];
  readonly hasImages: boolean;
  /** Whether thinking and effort count only from the messages on, as on some models. */
  readonly thinkingSaltsMessages: boolean;
}

export function saltsOf(params: JsonObject, { betas, hasImages, thinkingSaltsMessages }: SaltedBy): Salts {
  const thinking = [thinkingOf(params), effortOf(params)];
  const format = configOf(params)['format'] ?? params['output_format'];
  return {
    tools: told(promptBetas(betas), thinkingSaltsMessages ? null : thinking, format),
    system: told(toolsMatching(params, /^web_(search|fetch)/), citesSources(params), params['speed'] === 'fast'),
    messages: told(toolChoiceOf(params), hasImages, thinkingSaltsMessages ? thinking : null),
  };
}

function told(...parts: readonly unknown[]): string {
  return JSON.stringify(parts);
}

/** Betas that change what the model is shown. The rest change what a caller may send or is sent. */
const PROMPT_BETAS =
  /^(advanced-tool-use|advisor-tool|agent-memory|code-execution|compact|computer-use|context-management|dev-full-thinking|inline-tools|interleaved-thinking|mcp-client|mid-conversation|skills|structured-outputs|task-budgets|token-efficient-tools|tool-examples|tool-search-tool|web-fetch)-/;

function promptBetas(betas: readonly string[]): readonly string[] {
  return betas.filter((beta) => PROMPT_BETAS.test(beta)).sort();
}

function configOf(params: JsonObject): JsonObject {
  const config = params['output_config'];
  return isJsonObject(config) ? config : {};
}

function thinkingOf(params: JsonObject): unknown {
  const thinking = params['thinking'];
  return isJsonObject(thinking) ? [thinking['type'], thinking['budget_tokens']] : null;
}

const DEFAULT_EFFORT = 'high';

/** To say what holds anyway is to say nothing. */
function effortOf(params: JsonObject): unknown {
  const { effort } = configOf(params);
  return isGiven(effort) && effort !== DEFAULT_EFFORT ? effort : null;
}

function toolChoiceOf(params: JsonObject): unknown {
  const choice = params['tool_choice'];
  return isJsonObject(choice)
    ? [choice['type'], choice['name'], choice['disable_parallel_tool_use'] === true]
    : ['auto', null, false];
}

function toolsMatching(params: JsonObject, type: RegExp): boolean {
  return listOf(params['tools']).some((tool) => isJsonObject(tool) && type.test(String(tool['type'])));
}

function citesSources(params: JsonObject): boolean {
  return listOf(params['messages']).some(
    (message) =>
      isJsonObject(message) &&
      listOf(message['content']).some((block) => {
        const citations = isJsonObject(block) ? block['citations'] : null;
        return isJsonObject(citations) && citations['enabled'] === true;
      }),
  );
}
