import { Option, type Command } from 'commander';

/**
 * Every option about where requests come from and how they are made, declared once: the commands that take them, their
 * help and the messages that name a flag derive from here.
 */

/** What a command was given about its input, as commander hands it on. */
export interface InputOptions extends TemplateOptions {
  readonly inputFormat?: string;
  readonly delimiter?: string;
  readonly schema?: string;
}

/** How rows become requests. */
export interface TemplateOptions extends MessageOptions {
  readonly prompt?: string;
  readonly splitAt?: string;
  readonly document?: readonly string[];
  readonly image?: readonly string[];
  readonly idColumn?: string;
  readonly skipEmpty?: boolean;
}

/** What is said the same way of every request. */
export interface MessageOptions {
  readonly model?: string;
  readonly maxTokens?: string;
  readonly system?: string;
  readonly tool?: readonly string[];
  readonly temperature?: string;
  readonly thinking?: string;
  readonly params?: string;
}

/** What `ask` was given beside its documents. */
export interface AskOptions extends MessageOptions {
  readonly schema?: string;
  readonly question?: readonly string[];
  readonly questions?: string;
}

/** One option, for the parser and for people. */
export interface OptionText {
  /** As commander takes it. */
  readonly flags: string;
  readonly prose: string;
  /** May be given more than once. */
  readonly isRepeatable: boolean;
}

export const MESSAGE_OPTIONS = {
  model: once('--model <id>', 'the model to ask'),
  maxTokens: once('--max-tokens <number>', 'the most tokens an answer may have (default: 1024)'),
  system: once('--system <text|@file>', 'system prompt; {{column}} is filled in from each row'),
  tool: often('--tool <file.json>', 'a tool the model may call, or a list of them (repeatable)'),
  temperature: once('--temperature <number>', 'from 0 to 1, for models that take it'),
  thinking: once('--thinking <budget>', 'tokens to think with, or adaptive'),
  params: once('--params <json|@file>', 'more fields of the request, which win over all others'),
} as const satisfies Record<keyof MessageOptions, OptionText>;

export const TEMPLATE_OPTIONS = {
  ...MESSAGE_OPTIONS,
  prompt: once('--prompt <text|@file>', 'what to ask of each row; {{column}} is filled in, {{{{ stands for two braces'),
  splitAt: once(
    '--split-at <mark>',
    'where in the prompt a block of its own begins, so that what is before it is cached',
  ),
  document: often(
    '--document <path|{{column}}>',
    'a text, Markdown or PDF file, or an https URL of a PDF (repeatable)',
  ),
  image: often('--image <path|{{column}}>', 'a PNG, JPEG, GIF or WebP file, or an https URL (repeatable)'),
  idColumn: once(
    '--id-column <name>',
    'the column with each row’s custom_id (default: custom_id, or rows are numbered)',
  ),
  skipEmpty: once('--skip-empty', 'leave out rows whose prompt comes out empty, and say how many'),
} as const satisfies Record<keyof TemplateOptions, OptionText>;

const SCHEMA = once('--schema <file.json>', 'JSON schema that every answer must follow');

export const INPUT_OPTIONS = {
  inputFormat: once(
    '--input-format <format>',
    'jsonl, json, csv, tsv or parquet (default: by the file’s name; piped in: jsonl)',
  ),
  delimiter: once(
    '--delimiter <character>',
    "what separates the fields of CSV, such as ';', or tab (default: comma, or what the headings show)",
  ),
  ...TEMPLATE_OPTIONS,
  schema: SCHEMA,
} as const satisfies Record<keyof InputOptions, OptionText>;

/** Asked when no model is named: it reads a million tokens, and costs least. */
export const ASK_MODEL = 'claude-haiku-5-5';

export const ASK_OPTIONS = {
  question: often('-q, --question <text>', 'what to ask of every document (repeatable)'),
  questions: once('--questions <file>', 'questions, one a line or as a JSON list'),
  ...MESSAGE_OPTIONS,
  model: once('--model <id>', `the model to ask (default: ${ASK_MODEL})`),
  system: once('--system <text|@file>', 'system prompt'),
  schema: SCHEMA,
} as const satisfies Record<keyof AskOptions, OptionText>;

/** Lets a command take the options of a declaration, such as `INPUT_OPTIONS`. */
export function addOptions(command: Command, options: Readonly<Record<string, OptionText>>): Command {
  for (const { flags, prose, isRepeatable } of Object.values(options)) {
    const option = new Option(flags, prose);
    command.addOption(isRepeatable ? option.argParser(collect) : option);
  }
  return command;
}

/** `--max-tokens`, of `--max-tokens <number>`. */
export function flagOf({ flags }: OptionText): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function once(flags: string, prose: string): OptionText {
  return { flags, prose, isRepeatable: false };
}

function often(flags: string, prose: string): OptionText {
  return { flags, prose, isRepeatable: true };
}
