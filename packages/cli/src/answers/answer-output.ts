import process from 'node:process';
import type { Writable } from 'node:stream';
import { STANDARD_OUTPUT, type AnswerFormat } from './answer-format.ts';
import type { AnswerWriter } from './answer-writer.ts';
import { fileSink, streamSink, type ByteSink } from './byte-sink.ts';
import { outputFailure } from './output-failure.ts';

/** How answers are written; everything has a default. */
export interface AnswerOptions {
  /** JSON was asked for, as with `--schema`: any JSON goes to `json`, also from a code fence. */
  readonly isStructured?: boolean;
  /** CSV and TSV for spreadsheets: a value that would be computed gets an apostrophe before it. */
  readonly escapesFormulas?: boolean;
  /** What `-` is. */
  readonly standardOutput?: Writable;
}

/**
 * Opens an output that `checkOutput` found possible. Libraries are loaded with the format that needs them. Whatever
 * fails, here or later, rejects with `OutputFailedError` and leaves nothing behind.
 */
export async function openAnswerWriter(
  path: string,
  format: AnswerFormat,
  options: AnswerOptions = {},
): Promise<AnswerWriter> {
  const name = path === STANDARD_OUTPUT ? 'standard output' : path;
  try {
    return allOrNothing(name, await open(path, format, options));
  } catch (error) {
    throw outputFailure(name, error);
  }
}

async function open(path: string, format: AnswerFormat, options: AnswerOptions): Promise<AnswerWriter> {
  const isStructured = options.isStructured === true;
  if (format === 'dir') return (await import('./directory-answers.ts')).directoryAnswers(path);
  if (format === 'sqlite') return (await import('./sqlite-answers.ts')).sqliteAnswers(path, isStructured);
  const [sink, lines] = await Promise.all([sinkFor(path, options), import('./line-answers.ts')]);
  const escapesFormulas = options.escapesFormulas === true;
  switch (format) {
    case 'jsonl':
      return lines.apiLines(sink);
    case 'flat':
      return lines.flatLines(sink, isStructured);
    case 'csv':
      return lines.delimitedRows(sink, isStructured, { delimiter: ',', escapesFormulas });
    case 'tsv':
      return lines.delimitedRows(sink, isStructured, { delimiter: '\t', escapesFormulas });
    case 'parquet':
      return (await import('./parquet-answers.ts')).parquetAnswers(sink, isStructured);
    default:
      return format satisfies never;
  }
}

async function sinkFor(path: string, { standardOutput }: AnswerOptions): Promise<ByteSink> {
  return path === STANDARD_OUTPUT ? streamSink(standardOutput ?? process.stdout) : fileSink(path);
}

function allOrNothing(name: string, writer: AnswerWriter): AnswerWriter {
  let isFinished = false;
  const attempt = async (step: Promise<void>): Promise<void> => {
    try {
      await step;
    } catch (error) {
      // Of two failures the first is the one to tell.
      await writer.discard().catch(() => undefined);
      throw outputFailure(name, error);
    }
  };
  return {
    write: (answer) => attempt(writer.write(answer)),
    finish: async () => {
      await attempt(writer.finish());
      isFinished = true;
    },
    discard: async () => {
      if (!isFinished) await writer.discard();
    },
  };
}
