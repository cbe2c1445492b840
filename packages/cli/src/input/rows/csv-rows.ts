import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { BadRequestsError } from '@batchwright/client';
import { LIMITS } from '@batchwright/protocol';
import { MOST_ITEM_BYTES } from '../bytes/lines.ts';
import { RowError } from '../row-error.ts';
import { megabytes, quoted } from '../wording.ts';
import type { Row } from './row.ts';

/**
 * Rows of a table under a row of headings. Fields are parsed as bytes, so that one that is not UTF-8 is found where it
 * stands and not replaced.
 */
export async function* csvRows(
  pieces: AsyncIterable<Uint8Array>,
  delimiter: string,
  name: string,
): AsyncGenerator<Row> {
  let columns: Columns | null = null;
  for await (const { fields, line } of records(pieces, delimiter, name)) {
    const origin = `${name} line ${line}`;
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

interface CsvRecord {
  readonly fields: readonly Buffer[];
  /** Where it begins, from 1. */
  readonly line: number;
}

/** Every record, the headings too. A blank line is a record of one empty field. */
async function* records(pieces: AsyncIterable<Uint8Array>, delimiter: string, name: string): AsyncGenerator<CsvRecord> {
  // Counted here: of a line that ends in CRLF the parser makes two.
  let line = 1;
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    encoding: null,
    relax_column_count: true,
    // Tables with tabs are mostly written without any quoting, and then a quote is a quote.
    relax_quotes: delimiter === '\t',
    max_record_size: MOST_ITEM_BYTES,
    on_record: (record) => {
      // Its types do not know that fields are bytes, nor that what comes out may be another thing.
      const found: CsvRecord = { fields: record as unknown as readonly Buffer[], line };
      line += 1 + lineBreaks(found.fields);
      return found as unknown as string[];
    },
  });
  // The callback is for nobody: a fault of either stream ends the iteration below with it.
  pipeline(Readable.from(pieces), parser, () => {});
  try {
    for await (const record of parser) yield record as CsvRecord;
  } catch (error) {
    throw error instanceof CsvError ? explained(error, `${name} line ${line}`) : error;
  }
}

/** `where` the row begins that could not be read to its end. */
function explained(error: CsvError, where: string): BadRequestsError {
  const reasons: Readonly<Record<string, string>> = {
    CSV_QUOTE_NOT_CLOSED:
      'a quote opens in this row that is not closed to the end. Close it; within quotes, write "" for one.',
    CSV_INVALID_CLOSING_QUOTE:
      'in this row, text follows the quote that ends a field. Within quotes, write "" for one.',
    INVALID_OPENING_QUOTE:
      'a quote stands in the middle of a field. Put the whole field in quotes, and write "" for the one within.',
    CSV_MAX_RECORD_SIZE: `this row is longer than ${megabytes(LIMITS.messageBodyBytes)}, the most one request may hold. Look for a quote that is not closed.`,
  };
  return new BadRequestsError(`${where}: ${reasons[error.code] ?? `${error.message}.`}`, { cause: error });
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
