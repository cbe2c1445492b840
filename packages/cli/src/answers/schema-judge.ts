/**
 * Judges answers by a JSON schema. One that does not match is asked for once more, in the same conversation: what was
 * said, and what was wrong with it. Where that cannot help (the answer was cut off, refused, or calls a tool), the
 * reason says what can.
 */
import type { Judge, Verdict } from '@batchwright/client';
import { isJsonObject, listOf, type JsonObject } from '@batchwright/core';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFencedJson } from './answer-json.ts';
import { textOfContent, toolCallsOf } from './answer-fields.ts';

/** A schema nothing can be judged by: what is wrong with it, in one line. */
export class BadSchemaError extends Error {
  override readonly name = 'BadSchemaError';
}

/** Compiles a schema, of draft 2020-12 or 07; `name` says whose it is, as its file does. Throws `BadSchemaError`. */
export function schemaJudge(schema: unknown, name: string): Judge {
  const validate = compile(schema, name);
  return async ({ result }, params) => {
    if (result.type !== 'succeeded') return ACCEPTED;
    const answer: unknown = result.message;
    const message = isJsonObject(answer) ? answer : {};
    const text = textOfContent(message['content']);
    // Where the request began the answer itself, the rest of it is no JSON, and only the request can tell.
    const fault = faultOf(text, validate);
    if (fault === null) return ACCEPTED;
    const asked = await params();
    const said = `${begunBy(asked)}${text}`;
    const faultOfAll = said === text ? fault : faultOf(said, validate);
    if (faultOfAll === null) return ACCEPTED;
    const hopeless = whyHopeless(message, text, asked);
    if (hopeless !== null) return { type: 'rejected', reason: hopeless, params: null };
    return { type: 'rejected', reason: faultOfAll, params: askedAgain(asked, said, faultOfAll, schema) };
  };
}

const ACCEPTED: Verdict = { type: 'accepted' };
const DRAFT = /^https?:\/\/json-schema\.org\/(?:draft-(07)|draft\/(2020-12))\/schema#?$/;
const MOST_FAULTS = 5;
const LONGEST_REASON = 1000;

function compile(schema: unknown, name: string): ValidateFunction {
  if (!isJsonObject(schema)) throw new BadSchemaError(`${name} is no JSON schema: it must be an object.`);
  if (schema['$async'] !== undefined)
    throw new BadSchemaError(`${name} has "$async", which no answer can be judged by.`);
  // Formats are notes in these drafts; keywords of other tools are common and do no harm.
  const options = { allErrors: true, strict: false, validateFormats: false, logger: false } as const;
  const ajv = draftOf(schema, name) === '07' ? new Ajv(options) : new Ajv2020(options);
  try {
    return ajv.compile(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadSchemaError(`${name} is no sound JSON schema: ${reason}.`, { cause: error });
  }
}

function draftOf(schema: JsonObject, name: string): '07' | '2020-12' {
  const declared = schema['$schema'];
  if (declared === undefined) return '2020-12';
  const match = typeof declared === 'string' ? DRAFT.exec(declared) : null;
  if (match !== null) return match[1] === '07' ? '07' : '2020-12';
  throw new BadSchemaError(`${name} is of ${JSON.stringify(declared)}; the drafts understood are 2020-12 and 07.`);
}

function faultOf(text: string, validate: ValidateFunction): string | null {
  const json = readFencedJson(text);
  if (json === null) return 'the answer is not JSON';
  if (validate(json.value)) return null;
  const faults = validate.errors ?? [];
  const more = faults.length - MOST_FAULTS;
  const told = faults.slice(0, MOST_FAULTS).map(faultText).join('; ');
  return `the answer does not match the schema: ${told.slice(0, LONGEST_REASON)}${more > 0 ? `; and ${more} more` : ''}`;
}

function faultText({ instancePath, message, params }: ErrorObject): string {
  const { additionalProperty, allowedValues } = params as JsonObject;
  const detail =
    typeof additionalProperty === 'string'
      ? `: ${JSON.stringify(additionalProperty)}`
      : Array.isArray(allowedValues)
        ? `: ${JSON.stringify(allowedValues)}`
        : '';
  return `${instancePath === '' ? 'it' : instancePath} ${message ?? 'is wrong'}${detail}`;
}

/** Why asking again would bring the same; null: it may help. */
function whyHopeless(message: JsonObject, text: string, asked: JsonObject): string | null {
  switch (message['stop_reason']) {
    case 'max_tokens':
      return `the answer was cut off at max_tokens, ${String(asked['max_tokens'])}; raise it with --max-tokens`;
    case 'model_context_window_exceeded':
      return 'the answer was cut off where the model’s context ends; make the prompt shorter';
    case 'refusal':
      return 'the model refused to answer';
    default: {
      const names = toolCallsOf(message['content']).map(({ name }) => String(name));
      return text === '' && names.length > 0 ? `the answer calls ${names.join(', ')} instead of giving JSON` : null;
    }
  }
}

function askedAgain(asked: JsonObject, said: string, fault: string, schema: unknown): JsonObject {
  const messages = listOf(asked['messages']);
  const before = isBegun(messages) ? messages.slice(0, -1) : messages;
  // The API refuses empty text.
  const answer = said.trim() === '' ? [] : [{ role: 'assistant', content: said.trimEnd() }];
  const shape = knowsSchema(asked) ? '' : ` It must match this JSON schema: ${JSON.stringify(schema)}`;
  const demand = `That cannot be used: ${fault}. Answer again, with nothing but the JSON.${shape}`;
  return { ...asked, messages: [...before, ...answer, { role: 'user', content: demand }] };
}

function knowsSchema({ output_config: config }: JsonObject): boolean {
  return isJsonObject(config) && isJsonObject(config['format']);
}

/** What the request put at the beginning of the answer. */
function begunBy({ messages }: JsonObject): string {
  const last = listOf(messages).at(-1);
  if (!isBegun(listOf(messages)) || !isJsonObject(last)) return '';
  const { content } = last;
  return typeof content === 'string' ? content : textOfContent(content);
}

function isBegun(messages: readonly unknown[]): boolean {
  const last = messages.at(-1);
  return isJsonObject(last) && last['role'] === 'assistant';
}
