import { BadRequestsError } from '@batchwright/client';
import { nearestName } from '../nearest-name.ts';
import type { Row } from '../rows/row.ts';
import { listed, quoted } from '../wording.ts';

/** Text with places for columns: what stands there literally, or the column's name. */
export interface TextTemplate {
  /** The flag it was given with, for messages. */
  readonly flag: string;
  readonly parts: readonly TemplatePart[];
}

export type TemplatePart = string | { readonly column: string };

/** `{{{{` first, so that two literal braces are never taken for the beginning of a name. */
const TOKEN = /\{\{\{\{|\{\{([^{}]*)\}\}|\{\{/g;

/**
 * Reads `{{column}}` places; white space around the name does not count. `{{{{` stands for two braces, and braces that
 * close need no such care: `}}` that ends nothing is itself.
 */
export function parseTemplate(text: string, flag: string): TextTemplate {
  const parts: TemplatePart[] = [];
  let literal = '';
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[0] === '{{{{') {
      literal += '{{';
      continue;
    }
    const column = match[1]?.trim() ?? '';
    if (column === '') throw noName(text.slice(match.index), flag);
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ column });
  }
  literal += text.slice(end);
  if (literal !== '') parts.push(literal);
  return { flag, parts };
}

function noName(from: string, flag: string): BadRequestsError {
  const shown = quoted(from.split('\n', 1)[0] ?? from);
  return new BadRequestsError(
    `${flag} has braces without a column’s name at ${shown}. Write {{column}}, or {{{{ for two braces.`,
  );
}

/** The text when it is the same for every row; null: it has places to fill. */
export function constantText({ parts }: TextTemplate): string | null {
  return parts.every((part) => typeof part === 'string') ? parts.join('') : null;
}

/** The columns it names. */
export function columnsOf({ parts }: TextTemplate): readonly string[] {
  return parts.flatMap((part) => (typeof part === 'string' ? [] : [part.column]));
}

/** The text for one row. Throws `BadRequestsError` when the row has no such column. */
export function fillTemplate({ parts, flag }: TextTemplate, row: Row): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : columnValue(row, part.column, flag);
  return text;
}

/** A column's text. Throws `BadRequestsError` when there is none: what is wrong with one row is so with most. */
export function columnValue(row: Row, column: string, flag: string): string {
  const value = row.text(column);
  if (value !== null) return value;
  const nearest = nearestName(column, row.columns);
  const hint = nearest === null ? '' : ` Did you mean ${quoted(nearest)}?`;
  throw new BadRequestsError(
    `${row.origin} has no column ${quoted(column)}, which ${flag} names.${hint} ${columnsText(row.columns)}`,
  );
}

/** A separator that was not found out shows as one column with all of the names in it. */
function columnsText(columns: readonly string[]): string {
  if (columns.length === 0) return 'It has no columns at all.';
  if (columns.length > 1) return `Its columns are ${listed(columns)}.`;
  const [only = ''] = columns;
  const separator = /[,;|\t]/.exec(only)?.[0];
  const named = separator === '\t' ? 'tab' : `'${separator}'`;
  const hint = separator === undefined ? '' : ` It seems to be several: add --delimiter ${named}.`;
  return `Its only column is ${quoted(only)}.${hint}`;
}
