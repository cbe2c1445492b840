import { extname, sep } from 'node:path';

/**
 * `jsonl`: the API's lines, byte for byte; `flat`: one object a line, without nesting; `csv` and `tsv`, `parquet` and
 * `sqlite`: the same fields as columns; `dir`: a file for each answer.
 */
export const ANSWER_FORMATS = ['jsonl', 'flat', 'csv', 'tsv', 'parquet', 'sqlite', 'dir'] as const;

export type AnswerFormat = (typeof ANSWER_FORMATS)[number];

/** Formats that can be written to a pipe as they come. */
export const STREAMED_FORMATS: ReadonlySet<AnswerFormat> = new Set(['jsonl', 'flat', 'csv', 'tsv']);

/** Standard output, where a path is expected. */
export const STANDARD_OUTPUT = '-';

const BY_EXTENSION: Readonly<Record<string, AnswerFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.parquet': 'parquet',
  '.sqlite': 'sqlite',
  '.sqlite3': 'sqlite',
  '.db': 'sqlite',
};

/** The format of a name, as `--format` gives it; null: there is none. */
export function formatNamed(name: string): AnswerFormat | null {
  return ANSWER_FORMATS.find((format) => format === name) ?? null;
}

/** The format a path asks for by how it ends; null: it says nothing. */
export function formatOfPath(path: string): AnswerFormat | null {
  if (path === STANDARD_OUTPUT) return 'jsonl';
  if (path.endsWith('/') || path.endsWith(sep)) return 'dir';
  return BY_EXTENSION[extname(path).toLowerCase()] ?? null;
}
