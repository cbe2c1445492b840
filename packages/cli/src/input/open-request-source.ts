import { BadRequestsError } from '@batchwright/client';
import { type InputBytes, type InputHost, openBytes } from './bytes/input-bytes.ts';
import { jsonItems } from './bytes/json-items.ts';
import { type InputItem, linesOf } from './bytes/lines.ts';
import { textPieces } from './bytes/text-pieces.ts';
import { checkFirstLine } from './first-line.ts';
import { tryFirstRequest } from './first-request.ts';
import { type InputFormat, inputFormat } from './input-format.ts';
import type { Tell } from './input-note.ts';
import { flagOf, type InputOptions, TEMPLATE_OPTIONS, type TemplateOptions } from './input-options.ts';
import type { RequestSource } from './request-source.ts';
import { requestsOfRows } from './row-requests.ts';
import { csvRows } from './rows/csv-rows.ts';
import { findDelimiter, readDelimiter } from './rows/delimiter.ts';
import { JsonRow } from './rows/json-rows.ts';
import { parquetRows } from './rows/parquet-rows.ts';
import type { Row, RowTable } from './rows/row.ts';
import { readSchema, shownShort } from './template/message-template.ts';
import { readRowTemplate } from './template/row-template.ts';
import { missingFlags, templateError, wholeRequests, wholeRequestError } from './whole-requests.ts';

/**
 * Opens what a run reads its requests from. With a template (any flag of `TEMPLATE_OPTIONS`) the input is rows, and a
 * request is made of each; without, it is requests, handed on byte for byte. Of a file the first request is made at once,
 * so that most mistakes are found before anything is begun; of what is piped in nothing is read yet. Rejects with
 * `BadRequestsError` at what the user has to change.
 */
export async function openRequestSource(input: string, options: InputOptions, host: InputHost): Promise<RequestSource> {
  const bytes = await openBytes(input, host);
  const format = inputFormat(input, options.inputFormat);
  const delimiter = readDelimiter(options.delimiter, format);
  const isAssumed = input === '-' && options.inputFormat === undefined;
  const opened: OpenedInput = { bytes, format, delimiter, isAssumed };
  const given = givenFlags(options);
  if (given.length > 0 || !isJsonFormat(format)) await checkTemplate(opened, options, given);
  const schema = await readSchema(options.schema, host.cwd);
  const template = given.length === 0 ? null : await readRowTemplate(options, schema, host.cwd);
  const rows = { name: bytes.name, given, skipsEmpty: options.skipEmpty === true };
  const source: RequestSource = {
    name: bytes.name,
    identity: {
      ...bytes.identity,
      'input format': format,
      ...(options.delimiter !== undefined && { '--delimiter': options.delimiter }),
      ...(schema !== null && shownShort({ '--schema': JSON.stringify(schema) })),
      ...template?.identity,
    },
    progress: bytes.progress,
    schema,
    requests: (tell) =>
      template === null
        ? wholeRequests(jsonOf(opened), bytes.name)
        : requestsOfRows(tableOf(opened, tell), template, rows, tell),
  };
  if (bytes.path !== null) await tryFirstRequest(source);
  return source;
}

/** What the user named, and how it is written. */
interface OpenedInput {
  readonly bytes: InputBytes;
  readonly format: InputFormat;
  /** Null: it was not given. */
  readonly delimiter: string | null;
  /** Whether nobody said what it is. */
  readonly isAssumed: boolean;
}

function isJsonFormat(format: InputFormat): format is 'jsonl' | 'json' {
  return format === 'jsonl' || format === 'json';
}

/** The flags of a template that were given. */
function givenFlags(options: TemplateOptions): readonly string[] {
  return Object.entries(TEMPLATE_OPTIONS).flatMap(([key, option]) =>
    options[key as keyof TemplateOptions] === undefined ? [] : [flagOf(option)],
  );
}

/** Rows need to know whom to ask, and what. Whole requests need neither, and where they are at hand that is the mistake. */
async function checkTemplate(opened: OpenedInput, options: TemplateOptions, given: readonly string[]): Promise<void> {
  const missing = missingFlags(options);
  if (missing.length === 0) return;
  const { bytes, format } = opened;
  if (bytes.path !== null && isJsonFormat(format)) {
    for await (const item of jsonOf(opened)) {
      if (!new JsonRow(item).isRequest) break;
      throw wholeRequestError(item.origin, given);
    }
  }
  throw templateError(bytes.name, missing, 'text');
}

function jsonOf({ bytes, format, isAssumed }: OpenedInput): AsyncIterable<InputItem> {
  const pieces = textPieces(bytes);
  return format === 'json' ? jsonItems(pieces, bytes.name) : jsonLines(pieces, bytes.name, isAssumed);
}

async function* jsonLines(pieces: AsyncIterable<Buffer>, name: string, isAssumed: boolean): AsyncGenerator<InputItem> {
  let isFirst = true;
  for await (const line of linesOf(pieces, name)) {
    if (isFirst) checkFirstLine(line.bytes, name, isAssumed);
    isFirst = false;
    yield line;
  }
}

function tableOf(opened: OpenedInput, tell: Tell | undefined): RowTable {
  const { bytes, format } = opened;
  switch (format) {
    case 'jsonl':
    case 'json':
      return { rows: () => jsonRows(jsonOf(opened)) };
    case 'csv':
    case 'tsv':
      return { rows: () => tableRows(opened, format, tell) };
    case 'parquet':
      return { rows: (wanted) => parquetRows(asFile(bytes), wanted) };
    default:
      return format satisfies never;
  }
}

async function* jsonRows(items: AsyncIterable<InputItem>): AsyncGenerator<Row> {
  for await (const item of items) yield new JsonRow(item);
}

async function* tableRows(
  { bytes, delimiter }: OpenedInput,
  format: 'csv' | 'tsv',
  tell: Tell | undefined,
): AsyncGenerator<Row> {
  const pieces = textPieces(bytes);
  const table = delimiter === null ? await findDelimiter(pieces, format, bytes.name, tell) : { delimiter, pieces };
  yield* csvRows(table.pieces, table.delimiter, bytes.name);
}

function asFile(bytes: InputBytes): InputBytes & { readonly path: string } {
  const { path } = bytes;
  if (path !== null) return { ...bytes, path };
  throw new BadRequestsError(
    `Parquet is read from its end, so ${bytes.name} will not do. Save it to a file, and name that.`,
  );
}
