/**
 * What can be known of an output before a run starts. A run costs money and hours; that its answers have no place to go
 * must be found before.
 */
import type { Stats } from 'node:fs';
import {
  ANSWER_FORMATS,
  formatNamed,
  formatOfPath,
  STANDARD_OUTPUT,
  STREAMED_FORMATS,
  type AnswerFormat,
} from './answer-format.ts';
import { BadOutputError } from './bad-output.ts';
import { checkParent, checkWritable, statOf } from './writable-place.ts';

/**
 * The format an output is written in: the one named, as `--format` does, else the one its path ends in. Rejects with
 * `BadOutputError` where nothing could be written, or not so.
 */
export async function checkOutput(path: string, named?: string, escapesFormulas = false): Promise<AnswerFormat> {
  if (path === '') throw new BadOutputError('the output has no name. Name a file with -o, or - for standard output.');
  const existing = path === STANDARD_OUTPUT ? null : await statOf(path);
  const format = chooseFormat(path, named, existing);
  if (escapesFormulas && format !== 'csv' && format !== 'tsv') {
    throw new BadOutputError(`--escape-formulas is about csv and tsv, but ${path} is ${format}. Leave it out.`);
  }
  if (path === STANDARD_OUTPUT) checkStreamed(format);
  else await checkPlace(path, format, existing);
  return format;
}

function chooseFormat(path: string, named: string | undefined, existing: Stats | null): AnswerFormat {
  if (named !== undefined) {
    const format = formatNamed(named);
    if (format !== null) return format;
    throw new BadOutputError(`--format is "${named}", but must be one of ${ANSWER_FORMATS.join(', ')}.`);
  }
  const format = existing?.isDirectory() === true ? 'dir' : formatOfPath(path);
  if (format !== null) return format;
  throw new BadOutputError(
    `${path} does not say its format. End it in .jsonl, .csv, .tsv, .parquet, .sqlite or, for a directory, /; ` +
      `or give --format ${ANSWER_FORMATS.join('|')}.`,
  );
}

function checkStreamed(format: AnswerFormat): void {
  if (STREAMED_FORMATS.has(format)) return;
  const possible = [...STREAMED_FORMATS].join(', ');
  throw new BadOutputError(`${format} cannot go to standard output, only ${possible} can. Name a file with -o.`);
}

async function checkPlace(path: string, format: AnswerFormat, existing: Stats | null): Promise<void> {
  if (existing !== null) checkKind(path, format, existing);
  if (existing?.isDirectory() === true) await checkWritable(path);
  await checkParent(path);
}

function checkKind(path: string, format: AnswerFormat, existing: Stats): void {
  if (format === 'dir') {
    if (existing.isDirectory()) return;
    throw new BadOutputError(`${path} is a file, but ${format} wants a directory. Name another with -o.`);
  }
  if (existing.isDirectory()) {
    throw new BadOutputError(`${path} is a directory, but ${format} is one file. Name the file, or give --format dir.`);
  }
  // Output is put in place by renaming, which would replace a device or a pipe by a file.
  if (!existing.isFile()) throw new BadOutputError(`${path} is not a file. For standard output give -o -.`);
}
