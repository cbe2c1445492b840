/**
 * What an answer comes to, as fields: the one place where a results line is read for people and tables. The names are
 * the columns, everywhere; what a server left out is null.
 */
import { isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import { readFencedJson, readJson } from './answer-json.ts';
import type { Answer } from './answer-writer.ts';

export interface AnswerFields {
  readonly custom_id: string;
  /** As the API says it; `rejected`: succeeded, and not what was asked for. */
  readonly outcome: string;
  /** All text of the answer. */
  readonly text: string | null;
  /** The text again, as JSON on one line, where it is that; see `fieldsOf`. */
  readonly json: string | null;
  readonly stop_reason: string | null;
  readonly model: string | null;
  readonly input_tokens: number | null;
  readonly cache_creation_input_tokens: number | null;
  readonly cache_read_input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly error_type: string | null;
  /** Of an error; of a rejected answer, why. */
  readonly error_message: string | null;
  /** JSON: a list of `{"id","name","input"}`. */
  readonly tool_calls: string | null;
}

/** What a column holds: text, JSON as text, or whole numbers. */
export type ColumnType = 'text' | 'json' | 'count';

/** Every field with its type, in the order of columns. */
export const ANSWER_COLUMNS = [
  { name: 'custom_id', type: 'text' },
  { name: 'outcome', type: 'text' },
  { name: 'text', type: 'text' },
  { name: 'json', type: 'json' },
  { name: 'stop_reason', type: 'text' },
  { name: 'model', type: 'text' },
  { name: 'input_tokens', type: 'count' },
  { name: 'cache_creation_input_tokens', type: 'count' },
  { name: 'cache_read_input_tokens', type: 'count' },
  { name: 'output_tokens', type: 'count' },
  { name: 'error_type', type: 'text' },
  { name: 'error_message', type: 'text' },
  { name: 'tool_calls', type: 'json' },
] as const satisfies readonly { readonly name: keyof AnswerFields; readonly type: ColumnType }[];

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const NOTHING = {
  text: null,
  json: null,
  stop_reason: null,
  model: null,
  input_tokens: null,
  cache_creation_input_tokens: null,
  cache_read_input_tokens: null,
  output_tokens: null,
  error_type: null,
  error_message: null,
  tool_calls: null,
} as const satisfies Partial<AnswerFields>;

/**
 * The fields of an answer. `isStructured`: JSON was asked for, so any is taken, also from a code fence; else `json` is
 * set where the text as a whole is an object or a list.
 */
export function fieldsOf(answer: Answer, isStructured: boolean): AnswerFields {
  const result = readResult(answer);
  const named = { ...NOTHING, custom_id: answer.customId };
  const type = textIn(result, 'type') ?? 'unknown';
  if (type === 'errored') return { ...named, outcome: type, ...errorFields(result['error']) };
  if (type !== 'succeeded') return { ...named, outcome: type };
  return {
    ...named,
    ...messageFields(objectIn(result, 'message'), isStructured),
    outcome: answer.rejection === null ? type : 'rejected',
    error_message: answer.rejection,
  };
}

/** The text of a message's content: blocks in a row are pieces of one text, those apart are paragraphs. */
export function textOfContent(content: unknown): string {
  const paragraphs: string[] = [];
  let wasText = false;
  for (const block of listOf(content)) {
    const text = isJsonObject(block) && block['type'] === 'text' ? textIn(block, 'text') : null;
    if (text !== null && wasText) paragraphs.push(`${paragraphs.pop() ?? ''}${text}`);
    else if (text !== null) paragraphs.push(text);
    wasText = text !== null;
  }
  return paragraphs.join('\n\n');
}

/** The tools a message calls. */
export function toolCallsOf(content: unknown): readonly JsonObject[] {
  return listOf(content)
    .filter((block) => isJsonObject(block))
    .filter((block) => block['type'] === 'tool_use')
    .map(({ id, name, input }) => ({ id, name, input }));
}

function readResult({ customId, line }: Answer): JsonObject {
  try {
    const value: unknown = JSON.parse(UTF8.decode(line));
    if (isJsonObject(value)) return objectIn(value, 'result');
  } catch (error) {
    throw new Error(`the answer to ${customId} is not JSON`, { cause: error });
  }
  throw new Error(`the answer to ${customId} is not a JSON object`);
}

function messageFields(message: JsonObject, isStructured: boolean): Omit<AnswerFields, 'custom_id' | 'outcome'> {
  const { content } = message;
  const usage = objectIn(message, 'usage');
  const text = textOfContent(content);
  const calls = toolCallsOf(content);
  return {
    text,
    json: jsonOf(text, isStructured),
    stop_reason: textIn(message, 'stop_reason'),
    model: textIn(message, 'model'),
    input_tokens: countIn(usage, 'input_tokens'),
    cache_creation_input_tokens: countIn(usage, 'cache_creation_input_tokens'),
    cache_read_input_tokens: countIn(usage, 'cache_read_input_tokens'),
    output_tokens: countIn(usage, 'output_tokens'),
    error_type: null,
    error_message: null,
    tool_calls: calls.length === 0 ? null : JSON.stringify(calls),
  };
}

/** The envelope nests twice, and the useful type is the inner one; other servers leave the outer one out. */
function errorFields(envelope: unknown): Pick<AnswerFields, 'error_type' | 'error_message'> {
  const outer = isJsonObject(envelope) ? envelope : {};
  const error = isJsonObject(outer['error']) ? outer['error'] : outer;
  return { error_type: textIn(error, 'type'), error_message: textIn(error, 'message') };
}

function jsonOf(text: string, isStructured: boolean): string | null {
  if (isStructured) return readFencedJson(text)?.text ?? null;
  return /^\s*[[{]/.test(text) ? (readJson(text)?.text ?? null) : null;
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

function textIn(object: JsonObject, key: string): string | null {
  const value = object[key];
  return typeof value === 'string' ? value : null;
}

function countIn(object: JsonObject, key: string): number | null {
  const value = object[key];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
