import { BadRequestsError } from '@batchwright/client';
import { CUSTOM_ID_PATTERN, LIMITS } from '@batchwright/protocol';
import type { JsonObject } from '@batchwright/core';
import { RowError } from '../row-error.ts';
import type { TemplateOptions } from '../input-options.ts';
import type { Row } from '../rows/row.ts';
import { listed, megabytes, quoted } from '../wording.ts';
import { type Attachment, readAttachment } from './attachment.ts';
import { AttachmentShelf } from './attachment-shelf.ts';
import { fingerprint, givenText } from './given-text.ts';
import { jsonList, jsonObject, type JsonText, jsonValue, jsonWriter } from './json-text.ts';
import { readMessageTemplate, shownShort, textJson } from './message-template.ts';
import {
  columnsOf,
  columnValue,
  constantText,
  fillTemplate,
  parseTemplate,
  type TextTemplate,
} from './text-template.ts';

/**
 * Makes a request of every row. The order of its blocks is that of caching, what more rows share before what fewer do:
 * tools, system, attachments that are the same for all, what is before `--split-at` if it names no column, the row's own
 * attachments, and last the row's own text. Whatever is the same for all is encoded once.
 */
export interface RowTemplate {
  readonly identity: Readonly<Record<string, string>>;
  /** Every column that it reads of a row, where there is one. */
  readonly columns: readonly string[];
  /** What is probably not meant, a line each; `columns` are those of the first row. */
  warnings(columns: readonly string[]): readonly string[];
  /** Whether a row has nothing to ask. */
  isEmpty(row: Row): boolean;
  /** The request of a row, its number from 1, on one line. Throws `RowError` when none can be made. */
  line(row: Row, number: number): Promise<Buffer>;
}

/** Reads the options and the files they name. `--model` and `--prompt` must be given. */
export async function readRowTemplate(
  options: TemplateOptions,
  schema: JsonObject | null,
  cwd: string,
): Promise<RowTemplate> {
  const message = await readMessageTemplate(options, schema, cwd);
  const promptText = await givenText(options.prompt ?? '', '--prompt', cwd);
  const texts = splitPrompt(promptText, options.splitAt);
  const shelf = new AttachmentShelf(cwd);
  const attached = await Promise.all([
    ...(options.document ?? []).map(async (place) => readPlace(place, 'document', shelf, cwd)),
    ...(options.image ?? []).map(async (place) => readPlace(place, 'image', shelf, cwd)),
  ]);
  const ids = customIds(options.idColumn);
  const asked = [message.system, ...texts, ...attached.map(({ template }) => template)].flatMap((template) =>
    template === null ? [] : columnsOf(template),
  );
  const write = jsonWriter([
    '{"custom_id":',
    (row, number) => JSON.stringify(ids.of(row, number)),
    ',"params":',
    ...message.params(content(attached, texts)),
    '}',
  ]);
  return {
    identity: {
      ...message.identity,
      ...shownShort({ '--prompt': promptText, ...identityOf(options, attached) }),
    },
    columns: [ids.column, ...asked],
    warnings: (columns) => [
      ...message.warnings,
      ...(asked.length === 0 ? [allAlike(columns.filter((column) => column !== ids.column))] : []),
    ],
    isEmpty: (row) => texts.some((text) => constantText(text) === null && fillTemplate(text, row).trim() === ''),
    line: async (row, number) => checkedSize(await write(row, number), row),
  };
}

/** The prompt as one text or two, without the mark between them. */
function splitPrompt(prompt: string, mark: string | undefined): readonly TextTemplate[] {
  const texts = mark === undefined ? [prompt] : prompt.split(mark);
  if (mark !== undefined && (mark === '' || texts.length !== 2)) {
    const times = mark === '' || texts.length === 1 ? 'not' : `${texts.length - 1} times`;
    throw new BadRequestsError(
      `--split-at ${quoted(mark)} is ${times} in the prompt. It must be there once, between what is shared and what is not.`,
    );
  }
  if (texts.some((text) => text.trim() === '')) {
    const where =
      texts.length === 1 ? 'is empty' : `has nothing ${texts[0]?.trim() === '' ? 'before' : 'after'} the mark`;
    throw new BadRequestsError(`--prompt ${where}. Say what to ask, such as --prompt 'Classify: {{text}}'.`);
  }
  return texts.map((text) => parseTemplate(text, '--prompt'));
}

/** A file named on the command line, or a way to name one of each row. */
interface Place {
  /** Null: the file is the same for all. */
  readonly template: TextTemplate | null;
  /** The block. */
  readonly json: JsonText;
  readonly name: string;
}

async function readPlace(place: string, type: Attachment['type'], shelf: AttachmentShelf, cwd: string): Promise<Place> {
  const flag = `--${type}`;
  const template = parseTemplate(place, flag);
  const constant = constantText(template);
  if (constant !== null) {
    const { json } = await readAttachment(constant, type, cwd).catch((error: unknown) => {
      throw error instanceof BadRequestsError
        ? new BadRequestsError(`${flag} ${error.message}`, { cause: error })
        : error;
    });
    return { template: null, json: [json], name: `${constant} ${fingerprint(json)}` };
  }
  const read = async (row: Row): Promise<string> => {
    const path = fillTemplate(template, row);
    if (path.trim() === '')
      throw new RowError(`${row.origin} names no file for ${flag}. Name one, or take the row out.`);
    const { json } = await shelf.get(path, type).catch((error: unknown) => {
      throw error instanceof BadRequestsError
        ? new RowError(`${row.origin}, ${flag} ${error.message}`, { cause: error })
        : error;
    });
    return json;
  };
  return { template, json: [read], name: place };
}

function content(attached: readonly Place[], texts: readonly TextTemplate[]): JsonText {
  const [only] = texts;
  if (attached.length === 0 && texts.length === 1 && only !== undefined) return ownText(only);
  const sharedTexts = texts.slice(0, -1).filter((text) => constantText(text) !== null);
  return jsonList([
    ...attached.filter(({ template }) => template === null).map(({ json }) => json),
    ...sharedTexts.map(textBlock),
    ...attached.filter(({ template }) => template !== null).map(({ json }) => json),
    ...texts.filter((text) => !sharedTexts.includes(text)).map(textBlock),
  ]);
}

function textBlock(template: TextTemplate): JsonText {
  return jsonObject([
    ['type', jsonValue('text')],
    ['text', ownText(template)],
  ]);
}

/** The API takes no empty text, and asking nothing is never meant. */
function ownText(template: TextTemplate): JsonText {
  if (constantText(template) !== null) return textJson(template);
  return [
    (row) => {
      const text = fillTemplate(template, row);
      if (text.trim() !== '') return JSON.stringify(text);
      throw new RowError(`${row.origin} makes an empty prompt. Fill the row in, or leave such rows out: --skip-empty.`);
    },
  ];
}

function allAlike(columns: readonly string[]): string {
  const [first = 'column'] = columns;
  const there =
    columns.length === 0
      ? 'no other column is there'
      : `there ${columns.length === 1 ? 'is' : 'are'} ${listed(columns)}`;
  return `--prompt names no column, so every request asks the same: ${there}. Write {{${first}}} where a row’s own text goes.`;
}

interface CustomIds {
  readonly column: string;
  of(row: Row, number: number): string;
}

const DEFAULT_COLUMN = 'custom_id';
const NUMBER_DIGITS = 7;
const PATTERN = new RegExp(CUSTOM_ID_PATTERN);

/** By the column named, by a column `custom_id` if the first row has one, or by number. */
function customIds(named: string | undefined): CustomIds {
  const column = named ?? DEFAULT_COLUMN;
  let isInRows = named === undefined ? null : true;
  return {
    column,
    of: (row, number) => {
      isInRows ??= row.text(column) !== null;
      if (!isInRows) return `row-${String(number).padStart(NUMBER_DIGITS, '0')}`;
      const id = columnValue(row, column, named === undefined ? 'the first row' : '--id-column');
      if (PATTERN.test(id)) return id;
      throw new RowError(
        `${row.origin}: ${quoted(id)} in column ${quoted(column)} cannot be a custom_id, which is 1 to ${LIMITS.customIdCharacters} letters, digits, _ or -. Mend it, or name another --id-column.`,
      );
    },
  };
}

/** Of a line: the custom_id and what frames it has room beside the params. */
const FRAME_BYTES = '{"custom_id":"","params":}'.length + LIMITS.customIdCharacters;

function checkedSize(line: Buffer, row: Row): Buffer {
  if (line.length <= LIMITS.messageBodyBytes + FRAME_BYTES) return line;
  throw new RowError(
    `${row.origin} makes a request of ${megabytes(line.length)}, but the API takes ${megabytes(LIMITS.messageBodyBytes)} at most. Attach less, or split it.`,
  );
}

function identityOf(
  { splitAt, document, image, idColumn, skipEmpty }: TemplateOptions,
  attached: readonly Place[],
): Readonly<Record<string, string>> {
  const documents = document?.length ?? 0;
  const names = attached.map(({ name }) => name);
  return {
    ...(splitAt !== undefined && { '--split-at': splitAt }),
    ...(idColumn !== undefined && { '--id-column': idColumn }),
    ...(skipEmpty === true && { '--skip-empty': 'yes' }),
    ...(document !== undefined && { '--document': names.slice(0, documents).join(', ') }),
    ...(image !== undefined && { '--image': names.slice(documents).join(', ') }),
  };
}
