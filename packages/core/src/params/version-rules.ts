import type { ApiVersion } from '@batchwright/protocol';
import { isJsonObject, listOf, type JsonObject } from './json-value.ts';
import { extraInput, firstError, invalid, type ParamsError } from './params-error.ts';

const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

/** What version 2026-10-21 refuses and the versions before it take. */
export function checkVersionRules(params: JsonObject, version: ApiVersion): ParamsError | null {
  if (version !== '2026-10-21') return null;
  const sampling = SAMPLING.find((name) => params[name] !== undefined);
  if (sampling !== undefined) return extraInput(sampling);
  return firstError(listOf(params['messages']), checkMessage);
}

function checkMessage(message: unknown, index: number): ParamsError | null {
  if (!isJsonObject(message)) return null;
  const path = `messages.${index}.content`;
  const blocks = listOf(message['content']);
  if (message['role'] === 'assistant') return firstError(blocks, (block, i) => refuseDocument(block, `${path}.${i}`));
  if (message['role'] === 'user') return firstError(blocks, (block, i) => refuseCitations(block, `${path}.${i}`));
  return null;
}

function refuseDocument(block: unknown, path: string): ParamsError | null {
  if (!isJsonObject(block) || block['type'] !== 'document') return null;
  return invalid(`${path}: \`document\` blocks are not permitted in assistant messages`);
}

/** Only a list of citations is refused: `citations: {"enabled": true}` is a setting, and stays legal. */
function refuseCitations(block: unknown, path: string): ParamsError | null {
  if (!isJsonObject(block)) return null;
  if (block['type'] === 'search_result') {
    return firstError(listOf(block['content']), (nested, i) => refuseCitations(nested, `${path}.content.${i}`));
  }
  if (block['type'] !== 'text' || listOf(block['citations']).length === 0) return null;
  return invalid(`${path}.text.citations: citations are not permitted in user messages`);
}
