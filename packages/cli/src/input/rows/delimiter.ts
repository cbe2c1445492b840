import { BadRequestsError } from '@batchwright/client';
import { peeked, type Pieces } from '../bytes/peeked.ts';
import type { InputFormat } from '../input-format.ts';
import type { Tell } from '../input-note.ts';
import { quoted } from '../wording.ts';

/** What stands between the fields of a table that names none. */
const USUAL = { csv: ',', tsv: '\t' } as const;
const TAB_NAMES: readonly string[] = ['tab', String.raw`\t`];

/** Reads `--delimiter`, which is about tables of text alone; null when it was not given. */
export function readDelimiter(given: string | undefined, format: InputFormat): string | null {
  if (given === undefined) return null;
  if (format !== 'csv' && format !== 'tsv') {
    throw new BadRequestsError(
      `--delimiter is about CSV, but the input is ${format}. Leave it out, or add --input-format csv.`,
    );
  }
  if (TAB_NAMES.includes(given)) return '\t';
  if ([...given].length === 1 && !/["\r\n]/.test(given)) return given;
  throw new BadRequestsError(`--delimiter is ${quoted(given)}, but must be one character, such as ';', or tab.`);
}

/** A table, and what separates its fields. */
export interface DelimitedPieces {
  readonly delimiter: string;
  readonly pieces: Pieces;
}

/** What is common in the world, beside commas: spreadsheets of half of it write semicolons. */
const OTHERS = { ';': 'semicolons', '\t': 'tabs' } as const;

/** Of headings; a longer first line is looked at no further. */
const MOST_HEADING_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/** Finds out by the headings what separates the fields, and tells where that is not what the format says. */
export async function findDelimiter(
  pieces: Pieces,
  kind: keyof typeof USUAL,
  name: string,
  tell: Tell | undefined,
): Promise<DelimitedPieces> {
  if (kind === 'tsv') return { delimiter: USUAL[kind], pieces };
  const [head, all] = await peeked(pieces, (bytes) => bytes.includes(LINE_FEED) || bytes.length >= MOST_HEADING_BYTES);
  const [headings = ''] = head.toString().split('\n', 1);
  const bare = headings.replaceAll(/"[^"]*"?/g, '');
  const delimiter = ([';', '\t'] as const).find((other) => bare.includes(other));
  if (bare.includes(',') || delimiter === undefined) return { delimiter: USUAL[kind], pieces: all };
  tell?.({
    type: 'note',
    text: `${name} is read as separated by ${OTHERS[delimiter]}, as its headings are; --delimiter ',' is for commas.`,
  });
  return { delimiter, pieces: all };
}
