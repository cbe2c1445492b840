import { BadRequestsError } from '@batchwright/client';
import { quoted } from './wording.ts';

/**
 * Throws where the first line of what is read as JSON, an object a line, shows that it is something else as a whole;
 * `isAssumed`: nobody said what it is. What is wrong with that line alone is for whoever reads it.
 */
export function checkFirstLine(bytes: Buffer, name: string, isAssumed: boolean): void {
  const text = bytes.toString('utf8', 0, LOOKED_BYTES).trim();
  if (text.startsWith('{') || isJson(bytes)) return;
  if (text.startsWith('[')) throw notLines(name, 'a JSON list', 'json');
  if (!isAssumed && !/[,;\t]/.test(text)) return;
  throw notLines(name, `a table that begins with ${quoted(text)}`, text.includes('\t') ? 'tsv' : 'csv');
}

const LOOKED_BYTES = 1024;

function notLines(name: string, what: string, format: string): BadRequestsError {
  return new BadRequestsError(
    `${name} is read as JSON, one object a line, but seems to be ${what}. Add --input-format ${format}.`,
  );
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}
