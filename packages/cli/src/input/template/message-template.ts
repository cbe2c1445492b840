import { BadRequestsError } from '@batchwright/client';
import { isJsonObject, type JsonObject, validateParams } from '@batchwright/core';
import { flagOf, MESSAGE_OPTIONS, type MessageOptions } from '../input-options.ts';
import { quoted, shortened } from '../wording.ts';
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
  /** What is probably not meant, a line each. */
  readonly warnings: readonly string[];
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
  const whole = { ...fixed, ...withFormat(extra, fixed) };
  const all = Object.entries(whole);
  return {
    system: template,
    identity: identityOf(options, { '--system': system, '--tool': tools, '--params': extra }),
    warnings: extraWarnings(whole),
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
  if (!Array.isArray(found)) return [checkedTool(found, what)];
  return (found as readonly unknown[]).map((tool, at) => checkedTool(tool, `${what} item ${at + 1}`));
}

/**
 * What the options say together, by the API's own rules. `--params` is left out: it is there for what this program does
 * not know.
 */
function checkSample(params: JsonObject): void {
  const fault = faultOf(params);
  if (fault === null) return;
  const flag = FLAGS_BY_FIELD.find(([field]) => fault.includes(field))?.[1] ?? '';
  throw new BadRequestsError(
    `${flag === '' ? '' : `${flag}: `}${String(params['model'])} would refuse every request: ${fault}. Change it, or leave it out.`,
  );
}

/** Which flag a field is of, the more telling first: what is said of the budget to think names the tokens too. */
const FLAGS_BY_FIELD = [
  ['thinking', '--thinking'],
  ['max_tokens', '--max-tokens'],
  ['temperature', '--temperature'],
  ['tool', '--tool'],
  ['output_config', '--schema'],
  ['system', '--system'],
  ['model', '--model'],
] as const;

/** With `--params`, which may be right about what this program does not know. */
function extraWarnings(params: JsonObject): readonly string[] {
  const fault = faultOf(params);
  return fault === null
    ? []
    : [`--params: as far as is known here, the API would refuse every request: ${fault}. It is sent all the same.`];
}

/** Why the API would refuse params; null: nothing is known against them. Others than Anthropic's models are run too. */
function faultOf(params: JsonObject): string | null {
  const error = validateParams(params, { surface: 'batch', version: '2023-06-01', betas: [] });
  return error === null || error.type === 'not_found_error' ? null : error.message.replace(/\.$/, '');
}

const TOOL_SHAPE = '{"name":…,"description":…,"input_schema":{"type":"object",…}}';
/** Of the API's own tools the one without a name. */
const NAMELESS_TYPE = 'mcp_toolset';

/** A tool of the user's own, or one of the API's, which are known by their types; of those there are more every month. */
function checkedTool(value: unknown, what: string): JsonObject {
  const tool = asObject(value, what);
  const { type, name } = tool;
  const isOwn = type === undefined || type === null || type === 'custom';
  const isOfApi = type === NAMELESS_TYPE || (typeof name === 'string' && type !== 'function');
  if (!isOwn && !isOfApi) {
    throw new BadRequestsError(
      `${what} has the type ${shortened(JSON.stringify(type))}, which is no tool of the Messages API. A tool is ${TOOL_SHAPE}.`,
    );
  }
  const fault = faultOf({ model: 'any', max_tokens: 1, messages: [{ role: 'user', content: 'text' }], tools: [tool] });
  if (fault === null) return tool;
  throw new BadRequestsError(`${what}: ${fault.replace(/^tools\.0(\.custom)?\.?/, '')}. A tool is ${TOOL_SHAPE}.`);
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
