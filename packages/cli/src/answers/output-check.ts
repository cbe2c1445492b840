/**
 * What can be known of an output before a run starts. A run costs money and hours; that its answers have no place to go
 * must be found before.
 */
import { constants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  ANSWER_FORMATS,
  formatNamed,
  formatOfPath,
  STANDARD_OUTPUT,
  STREAMED_FORMATS,
  type AnswerFormat,
} from './answer-format.ts';

/** An output that cannot be: what is wrong and what helps, in one line. */
export class BadOutputError extends Error {
  override readonly name = 'BadOutputError';
}

/**
 * The format an output is written in: the one named, as `--format` does, else the one its path ends in. Rejects with
 * `BadOutputError` where nothing could be written.
 */
export async function checkOutput(path: string, named?: string): Promise<AnswerFormat> {
  if (path === '') throw new BadOutputError('the output has no name. Name a file with -o, or - for standard output.');
  const existing = path === STANDARD_OUTPUT ? null : await statOf(path);
  const format = chooseFormat(path, named, existing);
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
  const parent = dirname(path);
  const at = await statOf(parent);
  if (at === null) throw new BadOutputError(`${parent} does not exist, so ${path} cannot be written. Make it first.`);
  if (!at.isDirectory()) throw new BadOutputError(`${parent} is not a directory, so ${path} cannot be written.`);
  await checkWritable(parent);
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

async function checkWritable(directory: string): Promise<void> {
  try {
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new BadOutputError(`${directory} may not be written to. Change its permissions, or write elsewhere.`, {
      cause: error,
    });
  }
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    // With a slash at its end the path of a file would look as if nothing were there.
    return await stat(path.replace(/(?<=.)[/\\]+$/, ''));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new BadOutputError(`${path} cannot be looked at: ${String(error)}.`, { cause: error });
  }
}
