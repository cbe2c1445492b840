import { BadRequestsError } from '@batchwright/client';
import { quoted } from './wording.ts';

/** What an input is written in. */
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** Every format, as `--input-format` names it. */
export const INPUT_FORMATS = ['jsonl', 'json', 'csv', 'tsv', 'parquet'] as const;

const BY_EXTENSION: Readonly<Record<string, InputFormat>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  parquet: 'parquet',
};

/** By what was asked for, or by the file's name, `.gz` aside; what is piped in is JSONL. */
export function inputFormat(input: string, asked: string | undefined): InputFormat {
  if (asked !== undefined) {
    const format = INPUT_FORMATS.find((one) => one === asked);
    if (format !== undefined) return format;
    throw new BadRequestsError(`--input-format is ${quoted(asked)}, but must be one of ${INPUT_FORMATS.join(', ')}.`);
  }
  if (input === '-') return 'jsonl';
  const extension = /\.([^./\\]+)(?:\.gz)?$/i.exec(input)?.[1]?.toLowerCase() ?? '';
  const format = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
  if (format !== undefined) return format;
  throw new BadRequestsError(
    `${input}: its name does not say what it is. Add --input-format and one of ${INPUT_FORMATS.join(', ')}.`,
  );
}
