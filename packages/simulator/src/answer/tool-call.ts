import { isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import type { Prompt } from '../prompt/prompt.ts';

/** A tool of the client's, as the request describes it. */
export interface CallableTool {
  readonly name: string;
  readonly inputSchema: unknown;
}

/**
 * Which tool the simulated model calls, if any: the one it is told to; under `any` the one the question names, else the
 * first; left to itself, only one that the question plainly names, and none in answer to a tool's result.
 */
export function toolToCall(params: JsonObject, prompt: Prompt): CallableTool | null {
  const tools = listOf(params['tools']).flatMap(callable);
  const choice = isJsonObject(params['tool_choice']) ? params['tool_choice'] : { type: 'auto' };
  switch (choice['type']) {
    case 'none':
      return null;
    case 'tool':
      return tools.find((tool) => tool.name === choice['name']) ?? null;
    case 'any':
      return named(tools, prompt.question) ?? tools[0] ?? null;
    default:
      return prompt.toolResults.length > 0 ? null : named(tools, prompt.question);
  }
}

/** Tools that the API runs itself have a dated type; the client cannot be asked to call them. */
function callable(tool: unknown): readonly CallableTool[] {
  if (!isJsonObject(tool) || typeof tool['name'] !== 'string') return [];
  const type = tool['type'];
  const isServerTool = typeof type === 'string' && /^(web_|code_execution|tool_search|advisor|mcp)/.test(type);
  return isServerTool
    ? []
    : [{ name: tool['name'], inputSchema: tool['input_schema'] ?? { type: 'object', required: [] } }];
}

function named(tools: readonly CallableTool[], question: string): CallableTool | null {
  const words = question.toLowerCase();
  return tools.find((tool) => mentions(words, tool.name.toLowerCase())) ?? null;
}

/** The name as a word of its own: a tool called `a` is not named by every sentence. */
function mentions(words: string, name: string): boolean {
  for (let at = words.indexOf(name); at >= 0; at = words.indexOf(name, at + 1)) {
    if (!isWordCharacter(words[at - 1]) && !isWordCharacter(words[at + name.length])) return true;
  }
  return false;
}

function isWordCharacter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}
