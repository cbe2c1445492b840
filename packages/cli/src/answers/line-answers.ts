/** Formats of one record after the other: the API's lines, flat objects, and delimited values. */
import { stringify } from 'csv-stringify/sync';
import { ANSWER_COLUMNS, fieldsOf, type AnswerFields } from './answer-fields.ts';
import type { Answer, AnswerWriter } from './answer-writer.ts';
import type { ByteSink } from './byte-sink.ts';

/** The API's lines, byte for byte. */
export async function apiLines(sink: ByteSink): Promise<AnswerWriter> {
  return records(sink, ({ line }) => Buffer.concat([line, NEWLINE]));
}

/** One object a line. `json` and `tool_calls` are values in it, and absent where there are none. */
export async function flatLines(sink: ByteSink, isStructured: boolean): Promise<AnswerWriter> {
  return records(sink, (answer) => Buffer.from(`${flatLine(fieldsOf(answer, isStructured))}\n`));
}

/**
 * RFC 4180: a header, CRLF, quotes where needed; nothing is told apart from an empty text. `escapesFormulas`: a value
 * that a spreadsheet would compute gets an apostrophe before it, which is then part of the data.
 */
export async function delimitedRows(
  sink: ByteSink,
  isStructured: boolean,
  style: { readonly delimiter: ',' | '\t'; readonly escapesFormulas: boolean },
): Promise<AnswerWriter> {
  const { delimiter, escapesFormulas } = style;
  const options = { delimiter, record_delimiter: 'windows', escape_formulas: escapesFormulas } as const;
  await sink.write(Buffer.from(stringify([ANSWER_COLUMNS.map(({ name }) => name)], options)));
  return records(sink, (answer) => {
    const fields = fieldsOf(answer, isStructured);
    return Buffer.from(stringify([ANSWER_COLUMNS.map(({ name }) => fields[name])], options));
  });
}

const NEWLINE = Buffer.from('\n');

function records(sink: ByteSink, recordOf: (answer: Answer) => Uint8Array): AnswerWriter {
  return {
    write: (answer) => sink.write(recordOf(answer)),
    finish: () => sink.finish(),
    discard: () => sink.discard(),
  };
}

function flatLine(fields: AnswerFields): string {
  const members = ANSWER_COLUMNS.map(({ name, type }) => {
    const value = fields[name];
    if (type !== 'json') return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    // It is JSON already; reading it again would round its numbers.
    return value === null ? null : `${JSON.stringify(name)}:${value}`;
  });
  return `{${members.filter((member) => member !== null).join(',')}}`;
}
