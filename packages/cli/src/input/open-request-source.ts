import { BadRequestsError, FaultList, type RequestLine } from '@batchwright/client';
import { outline } from '@batchwright/scan';
import { type InputBytes, type InputHost, openBytes } from './bytes/input-bytes.ts';
import { jsonItems } from './bytes/json-items.ts';
import { type InputItem, linesOf } from './bytes/lines.ts';
import { textPieces } from './bytes/text-pieces.ts';
import { tryFirstRequest } from './first-request.ts';
import { type InputFormat, inputFormat } from './input-format.ts';
import { flagOf, type InputOptions, TEMPLATE_OPTIONS, type TemplateOptions } from './input-options.ts';
import type { RequestSource } from './request-source.ts';
import { RowError } from './row-error.ts';
import { csvRows } from './rows/csv-rows.ts';
import { JsonRow } from './rows/json-rows.ts';
import { parquetRows } from './rows/parquet-rows.ts';
import type { Row, RowTable } from './rows/row.ts';
import { readSchema, shownShort } from './template/message-template.ts';
import { readRowTemplate, type RowTemplate } from './template/row-template.ts';
import { joined } from './wording.ts';

/**
 * Opens what a run reads its requests from. With a template (any flag of `TEMPLATE_OPTIONS`) the input is rows, and a
 * request is made of each; without, it is requests, handed on byte for byte. Of a file the first request is made at once,
 * so that most mistakes are found before anything is begun; of what is piped in nothing is read yet. Rejects with
 * `BadRequestsError` at what the user has to change.
 */
export async function openRequestSource(input: string, options: InputOptions, host: InputHost): Promise<RequestSource> {
  const format = inputFormat(input, options.inputFormat);
  const given = givenFlags(options);
  if (given.length > 0 || format === 'csv' || format === 'tsv' || format === 'parquet') checkTemplate(options, input);
  const schema = await readSchema(options.schema, host.cwd);
  const template = given.length === 0 ? null : await readRowTemplate(options, schema, host.cwd);
  const bytes = await openBytes(input, host);
  const source: RequestSource = {
    name: bytes.name,
    identity: {
      ...bytes.identity,
      'input format': format,
      ...(schema !== null && shownShort({ '--schema': JSON.stringify(schema) })),
      ...template?.identity,
    },
    progress: bytes.progress,
    schema,
    requests: () =>
      template === null
        ? wholeRequests(jsonOf(bytes, format), bytes.name)
        : requestsOfRows(tableOf(bytes, format), template, given, bytes.name),
  };
  if (bytes.path !== null) await tryFirstRequest(source);
  return source;
}

/** The flags of a template that were given. */
function givenFlags(options: TemplateOptions): readonly string[] {
  return Object.entries(TEMPLATE_OPTIONS).flatMap(([key, option]) =>
    options[key as keyof TemplateOptions] === undefined ? [] : [flagOf(option)],
  );
}

/** Rows need to know whom to ask, and what. */
function checkTemplate(options: TemplateOptions, input: string, column = 'text'): void {
  const isModelMissing = options.model === undefined && options.params === undefined;
  const missing = [...(isModelMissing ? ['--model'] : []), ...(options.prompt === undefined ? ['--prompt'] : [])];
  if (missing.length === 0) return;
  const name = input === '-' ? 'standard input' : input;
  throw new BadRequestsError(
    `Requests are made of the rows of ${name} by a template, of which ${joined(missing)} ${missing.length === 1 ? 'is' : 'are'} missing. For example: --model claude-haiku-5-5 --prompt 'Classify: {{${column}}}'`,
  );
}

function jsonOf(bytes: InputBytes, format: InputFormat): AsyncIterable<InputItem> {
  const pieces = textPieces(bytes);
  return format === 'json' ? jsonItems(pieces, bytes.name) : linesOf(pieces, bytes.name);
}

/** Requests as they stand. Whoever runs them checks each; here only rows are told from requests, by the first. */
async function* wholeRequests(items: AsyncIterable<InputItem>, name: string): AsyncGenerator<RequestLine> {
  let isFirst = true;
  for await (const { bytes, origin } of items) {
    if (isFirst) checkFirst(bytes, name);
    isFirst = false;
    yield { line: bytes, origin };
  }
  if (isFirst)
    throw new BadRequestsError(`${name} holds no requests. Put one on each line: {"custom_id":…,"params":{…}}.`);
}

function checkFirst(bytes: Buffer, name: string): void {
  const first = outline(bytes);
  if (first === null || first.find('params') !== null) return;
  const columns = first.keys().filter((key) => key !== 'custom_id');
  if (first.find('body') !== null && first.find('url') !== null) {
    throw new BadRequestsError(
      `${name} holds requests for another API, {custom_id, method, url, body}. Write each as {"custom_id":…,"params":{…}}.`,
    );
  }
  if (columns.length > 0) checkTemplate({}, name, columns[0]);
}

function tableOf(bytes: InputBytes, format: InputFormat): RowTable {
  switch (format) {
    case 'jsonl':
    case 'json':
      return { rows: () => jsonRows(jsonOf(bytes, format)) };
    case 'csv':
    case 'tsv':
      return { rows: () => csvRows(textPieces(bytes), format, bytes.name) };
    case 'parquet':
      return { rows: (wanted) => parquetRows(asFile(bytes), wanted) };
    default:
      return format satisfies never;
  }
}

async function* jsonRows(items: AsyncIterable<InputItem>): AsyncGenerator<Row> {
  for await (const item of items) yield new JsonRow(item);
}

function asFile(bytes: InputBytes): InputBytes & { readonly path: string } {
  const { path } = bytes;
  if (path !== null) return { ...bytes, path };
  throw new BadRequestsError(
    `Parquet is read from its end, so ${bytes.name} will not do. Save it to a file, and name that.`,
  );
}

async function* requestsOfRows(
  table: RowTable,
  template: RowTemplate,
  given: readonly string[],
  name: string,
): AsyncGenerator<RequestLine> {
  const faults = new FaultList();
  let [number, made] = [0, 0];
  for await (const row of table.rows(template.columns)) {
    number++;
    const line = await lineOf(row, number, template, given).catch((error: unknown) => note(error, faults));
    if (faults.isFull) break;
    // After a fault nothing will be sent. Reading on is for what else there is to mend, such as ids given twice, which
    // whoever takes the lines finds; but where the very first row is wrong all is told before anything is begun.
    if (line === null || (made === 0 && !faults.isEmpty)) continue;
    made++;
    yield { line, origin: row.origin };
  }
  faults.throwIfAny();
  if (number === 0) throw new BadRequestsError(`${name} has no rows. Nothing can be asked.`);
}

/** Anything that is not about a row is thrown on. */
function note(error: unknown, faults: FaultList): null {
  if (!(error instanceof RowError)) throw error;
  faults.add(error.message);
  return null;
}

async function lineOf(row: Row, number: number, template: RowTemplate, given: readonly string[]): Promise<Buffer> {
  row.check();
  if (row.isRequest) {
    throw new BadRequestsError(
      `${row.origin} is a whole request, {custom_id, params}, of which nothing is to be made. Leave out ${joined(given)}.`,
    );
  }
  return template.line(row, number);
}
