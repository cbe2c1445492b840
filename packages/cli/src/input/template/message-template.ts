import { BadRequestsError } from '@batchwright/client';
import { isJsonObject, type JsonObject, validateParams } from '@batchwright/core';
import { flagOf, MESSAGE_OPTIONS, type MessageOptions } from '../input-options.ts';
import { quoted } from '../wording.ts';
import { asObject, fingerprint, givenText, parseJson, readJsonFile } from './given-text.ts';
import { jsonList, jsonObject, type JsonText, jsonValue } from './json-text.ts';
import { constantText, fillTemplate, parseTemplate, type TextTemplate } from './text-template.ts';

/**
 * What is said the same way of every request: everything of its params but the messages. They stand in the order in which
 * a prompt is read, what is shared first: tools, system, messages.
 */
export interface MessageTemplate {
  readonly system: TextTemplate | null;
  /** By flag: what it says, or a fingerprint where that is long or in a file. */
  readonly identity: Readonly<Record<string, string>>;
  /** All params, with this content in the one message of the user. */
  params(content: JsonText): JsonText;
}

/** Reads the options and the files they name, and refuses what would be refused of every request. */
export async function readMessageTemplate(
  options: MessageOptions,
  schema: JsonObject | null,
  cwd: string,
): Promise<MessageTemplate> {
  const extra = await readExtra(options.params, cwd);
  const system = options.system === undefined ? null : await givenText(options.system, '--system', cwd);
  const tools = (await Promise.all((options.tool ?? []).map(async (file) => readTools(file, cwd)))).flat();
  const fixed: JsonObject = {
    model: readModel(options.model, extra),
    max_tokens: readMaxTokens(options.maxTokens),
    ...(tools.length > 0 && { tools }),
    ...(system !== null && { system }),
    messages: [{ role: 'user', content: 'text' }],
    ...(schema !== null && { output_config: { format: { type: 'json_schema', schema } } }),
    ...(options.thinking !== undefined && { thinking: readThinking(options.thinking) }),
    ...(options.temperature !== undefined && { temperature: readTemperature(options.temperature) }),
  };
  checkSample(fixed);
  const template = system === null || 'system' in extra ? null : parseTemplate(system, '--system');
  const all = Object.entries({ ...fixed, ...withFormat(extra, fixed) });
  return {
    system: template,
    identity: identityOf(options, { '--system': system, '--tool': tools, '--params': extra }),
    params: (content) =>
      jsonObject(
        all.map(([key, value]) => {
          if (key === 'messages') return [key, userMessage(content)];
          return [key, key === 'system' && template !== null ? textJson(template) : jsonValue(value)];
        }),
      ),
  };
}

/** A template as a JSON string. */
export function textJson(template: TextTemplate): JsonText {
  const constant = constantText(template);
  return constant === null ? [(row) => JSON.stringify(fillTemplate(template, row))] : jsonValue(constant);
}

/** A file that must hold a JSON schema; null when none is given. */
export async function readSchema(file: string | undefined, cwd: string): Promise<JsonObject | null> {
  if (file === undefined) return null;
  return asObject(await readJsonFile(file, '--schema', cwd), `--schema ${file}`);
}

function userMessage(content: JsonText): JsonText {
  return jsonList([
    jsonObject([
      ['role', jsonValue('user')],
      ['content', content],
    ]),
  ]);
}

async function readExtra(given: string | undefined, cwd: string): Promise<JsonObject> {
  if (given === undefined) return {};
  const extra = asObject(parseJson(await givenText(given, '--params', cwd), '--params'), '--params');
  if (!('messages' in extra)) return extra;
  throw new BadRequestsError('--params may not hold messages: they are made of --prompt. Put the text there.');
}

/** `--params` wins field by field; only what it says of the output goes beside what `--schema` says. */
function withFormat(extra: JsonObject, { output_config: ours }: JsonObject): JsonObject {
  const theirs = extra['output_config'];
  return isJsonObject(ours) && isJsonObject(theirs) ? { ...extra, output_config: { ...ours, ...theirs } } : extra;
}

function readModel(given: string | undefined, extra: JsonObject): string {
  const model = extra['model'] ?? given;
  if (typeof model === 'string' && model.trim() !== '') return model;
  throw new BadRequestsError('--model is missing. Name the model to ask, such as --model claude-haiku-5-5.');
}

const MAX_TOKENS = 1024;

function readMaxTokens(given: string | undefined): number {
  if (given === undefined) return MAX_TOKENS;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw wrongValue('maxTokens', given, 'a whole number from 1');
}

function readThinking(given: string): JsonObject {
  if (given === 'adaptive') return { type: 'adaptive' };
  if (/^[1-9]\d{3,8}$/.test(given) && Number(given) >= 1024) return { type: 'enabled', budget_tokens: Number(given) };
  throw wrongValue('thinking', given, 'a whole number of tokens from 1024, or adaptive');
}

function readTemperature(given: string): number {
  if (/^(0|1|0?\.\d+|[01]\.\d+)$/.test(given) && Number(given) <= 1) return Number(given);
  throw wrongValue('temperature', given, 'a number from 0 to 1');
}

function wrongValue(option: keyof typeof MESSAGE_OPTIONS, value: string, expects: string): BadRequestsError {
  return new BadRequestsError(`${flagOf(MESSAGE_OPTIONS[option])} is ${quoted(value)}, but must be ${expects}.`);
}

async function readTools(file: string, cwd: string): Promise<readonly JsonObject[]> {
  const what = `--tool ${file}`;
  const found = await readJsonFile(file, '--tool', cwd);
  return (Array.isArray(found) ? (found as readonly unknown[]) : [found]).map((tool) => asObject(tool, what));
}

/**
 * What the options say together, by the API's own rules. `--params` is left out: it is there for what this program does
 * not know. So is a model that is not in the table: others than Anthropic's are run too.
 */
function checkSample(params: JsonObject): void {
  const error = validateParams(params, { surface: 'batch', version: '2023-06-01', betas: [] });
  if (error === null || error.type === 'not_found_error') return;
  throw new BadRequestsError(
    `${String(params['model'])} would refuse every request: ${error.message.replace(/\.$/, '')}. Change the flag that says so.`,
  );
}

/** Longer texts are recognised, and not shown. */
const SHOWN_CHARACTERS = 80;

function identityOf(
  options: MessageOptions,
  read: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const identity: Record<string, string> = {};
  for (const [key, option] of Object.entries(MESSAGE_OPTIONS)) {
    const given = options[key as keyof MessageOptions];
    if (typeof given === 'string') identity[flagOf(option)] = given;
  }
  for (const [flag, value] of Object.entries(read)) {
    const isNothing = value === null || (typeof value === 'object' && Object.keys(value).length === 0);
    if (!isNothing) identity[flag] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return shownShort(identity);
}

/** The same, with fingerprints for what is long. */
export function shownShort(identity: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(identity).map(([name, value]) => [
      name,
      value.length <= SHOWN_CHARACTERS ? value : fingerprint(value),
    ]),
  );
}
