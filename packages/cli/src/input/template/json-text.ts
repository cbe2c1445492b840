import type { Row } from '../rows/row.ts';

/**
 * JSON text with places that are filled row by row. What is the same for every row is encoded once, so that prompts
 * share it to the byte and a row costs no more than what is its own.
 */
export type JsonText = readonly JsonPart[];

/** JSON as it stands, or what makes it of a row and its number, from 1. */
export type JsonPart = string | ((row: Row, number: number) => string | Promise<string>);

/** A value that is the same for every row. */
export function jsonValue(value: unknown): JsonText {
  return [JSON.stringify(value)];
}

export function jsonObject(members: readonly (readonly [key: string, value: JsonText])[]): JsonText {
  return bracketed(
    '{',
    members.map(([key, value]) => [`${JSON.stringify(key)}:`, ...value]),
    '}',
  );
}

export function jsonList(items: readonly JsonText[]): JsonText {
  return bracketed('[', items, ']');
}

function bracketed(open: string, items: readonly JsonText[], close: string): JsonText {
  return [open, ...items.flatMap((item, at) => (at === 0 ? item : [',', ...item])), close];
}

/** Makes the bytes for a row, in one piece. */
export function jsonWriter(json: JsonText): (row: Row, number: number) => Promise<Buffer> {
  const parts = mergeConstants(json);
  return async (row, number) => {
    const pieces: Buffer[] = [];
    for (const part of parts) {
      if (typeof part !== 'function') {
        pieces.push(part);
        continue;
      }
      const made = part(row, number);
      // Only what reads files has to be waited for.
      pieces.push(Buffer.from(typeof made === 'string' ? made : await made));
    }
    return Buffer.concat(pieces);
  };
}

function mergeConstants(json: JsonText): readonly (Buffer | Exclude<JsonPart, string>)[] {
  const parts: (Buffer | Exclude<JsonPart, string>)[] = [];
  let constant = '';
  for (const part of [...json, null]) {
    if (typeof part === 'string') {
      constant += part;
      continue;
    }
    if (constant !== '') parts.push(Buffer.from(constant));
    constant = '';
    if (part !== null) parts.push(part);
  }
  return parts;
}
