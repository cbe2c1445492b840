import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { BadRequestsError } from '@batchwright/client';
import { LIMITS } from '@batchwright/protocol';
import { MOST_ITEM_BYTES } from '../bytes/lines.ts';
import { RowError } from '../row-error.ts';
import { megabytes, quoted } from '../wording.ts';
import type { Row } from './row.ts';

/** How the table is written. */
export type CsvKind = 'csv' | 'tsv';

/**
 * Rows of a table under a row of headings. Fields are parsed as bytes, so that one that is not UTF-8 is found where it
 * stands and not replaced.
 */
export async function* csvRows(pieces: AsyncIterable<Buffer>, kind: CsvKind, name: string): AsyncGenerator<Row> {
  let columns: Columns | null = null;
  let line = 1;
  for await (const fields of records(pieces, kind, name)) {
    const origin = `${name} line ${line}`;
    line += 1 + lineBreaks(fields);
    if (fields.length === 1 && fields[0]?.length === 0) continue;
    if (columns === null) columns = readHeadings(fields, origin, name);
    else yield new CsvRow(fields, columns, origin);
  }
}

interface Columns {
  readonly names: readonly string[];
  readonly places: ReadonlyMap<string, number>;
}

class CsvRow implements Row {
  readonly origin: string;
  readonly isRequest = false;
  readonly #fields: readonly Buffer[];
  readonly #columns: Columns;

  constructor(fields: readonly Buffer[], columns: Columns, origin: string) {
    this.origin = origin;
    this.#fields = fields;
    this.#columns = columns;
  }

  check(): void {
    const [has, needs] = [this.#fields.length, this.columns.length];
    if (has === needs) return;
    throw new RowError(
      `${this.origin} has ${fieldCount(has)}, but there are ${needs} headings. Put fields that hold a separator or a line break in quotes.`,
    );
  }

  get columns(): readonly string[] {
    return this.#columns.names;
  }

  text(column: string): string | null {
    const field = this.#fields[this.#columns.places.get(column) ?? NOWHERE];
    return field === undefined ? null : decode(field, `${this.origin}, column ${quoted(column)},`);
  }
}

const NOWHERE = -1;

function fieldCount(count: number): string {
  return count === 1 ? '1 field' : `${count} fields`;
}

/** Every record, the headings too. A blank line is a record of one empty field. */
async function* records(pieces: AsyncIterable<Buffer>, kind: CsvKind, name: string): AsyncGenerator<readonly Buffer[]> {
  const parser = parse({
    delimiter: kind === 'csv' ? ',' : '\t',
    record_delimiter: ['\r\n', '\n'],
    encoding: null,
    relax_column_count: true,
    // Tables with tabs are mostly written without any quoting, and then a quote is a quote.
    relax_quotes: kind === 'tsv',
    max_record_size: MOST_ITEM_BYTES,
  });
  // The callback is for nobody: a fault of either stream ends the iteration below with it.
  pipeline(Readable.from(pieces), parser, () => {});
  try {
    for await (const fields of parser) yield fields as readonly Buffer[];
  } catch (error) {
    throw error instanceof CsvError ? explained(error, name) : error;
  }
}

function explained(error: CsvError, name: string): BadRequestsError {
  const line = (error as unknown as { readonly lines?: number }).lines ?? 0;
  const reasons: Readonly<Record<string, string>> = {
    CSV_QUOTE_NOT_CLOSED: `${name} ends within quotes. Look for a quote that is not closed; within quotes, write "" for one.`,
    CSV_INVALID_CLOSING_QUOTE: `${name} line ${line}: text follows the quote that ends a field. Within quotes, write "" for one.`,
    INVALID_OPENING_QUOTE: `${name} line ${line}: a quote stands in the middle of a field. Put the whole field in quotes, and write "" for the one within.`,
    CSV_MAX_RECORD_SIZE: `${name}: a row that goes on at line ${line} is longer than ${megabytes(LIMITS.messageBodyBytes)}, the most one request may hold. Look for a quote that is not closed.`,
  };
  const reason = reasons[error.code] ?? `${name} line ${line}: ${error.message}.`;
  return new BadRequestsError(reason, { cause: error });
}

function readHeadings(fields: readonly Buffer[], origin: string, name: string): Columns {
  const names = fields.map((field) => decode(field, origin));
  const places = new Map(names.map((heading, place) => [heading, place]));
  const twice = names.find((heading, place) => places.get(heading) !== place);
  if (twice === undefined) return { names, places };
  throw new BadRequestsError(`${name} has two columns named ${quoted(twice)}. Rename one.`);
}

function decode(field: Buffer, where: string): string {
  if (!isUtf8(field)) throw new RowError(`${where} is not UTF-8. Save the file as UTF-8.`);
  return field.toString();
}

function lineBreaks(fields: readonly Buffer[]): number {
  let count = 0;
  for (const field of fields) {
    for (let at = field.indexOf(LINE_FEED); at >= 0; at = field.indexOf(LINE_FEED, at + 1)) count++;
  }
  return count;
}

const LINE_FEED = 0x0a;
