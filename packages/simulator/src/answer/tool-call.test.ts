import { expect, test } from 'vitest';
import { readPrompt } from '../prompt/prompt.ts';
import { toolToCall } from './tool-call.ts';

const schema = { type: 'object' };

function chosen(tools: readonly object[], question: string, choice?: object): string | null {
  const params = { tools, messages: [{ role: 'user', content: question }], ...(choice && { tool_choice: choice }) };
  return toolToCall(params, readPrompt(params, 1))?.name ?? null;
}

test('a tool called by a common word is not named by every sentence', () => {
  expect(chosen([{ name: 'a', input_schema: schema }], 'What about cats?')).toBeNull();
  expect(chosen([{ name: 'search', input_schema: schema }], 'research this')).toBeNull();
  expect(chosen([{ name: 'search', input_schema: schema }], 'Please SEARCH this.')).toBe('search');
});

test("the API's own tools are never handed to the client, its dated client tools are", () => {
  const web = { type: 'web_search_20250305', name: 'web_search' };
  const bash = { type: 'bash_20250124', name: 'bash' };
  expect(chosen([web], 'use web_search', { type: 'any' })).toBeNull();
  expect(chosen([web, bash], 'hello', { type: 'any' })).toBe('bash');
});
