import { open } from 'node:fs/promises';
import type { AnswerFormat } from './answer-format.ts';
import { statOf } from './writable-place.ts';

/** What there is under the name of an output. */
export type WrittenOutput =
  | { readonly type: 'missing' }
  /** `format`: null where it does not look like any, as when somebody has changed it. */
  | { readonly type: 'there'; readonly format: AnswerFormat | null };

/** Looks at an output of before; its first bytes tell its format. */
export async function lookAtOutput(path: string): Promise<WrittenOutput> {
  const found = await statOf(path);
  if (found === null) return { type: 'missing' };
  if (found.isDirectory()) return { type: 'there', format: 'dir' };
  return { type: 'there', format: formatOf(await firstText(path)) };
}

const LOOKED_AT_BYTES = 4096;

/** Each byte as a character: formats that are no text are told by their first bytes as well. */
async function firstText(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT_BYTES), 0, LOOKED_AT_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function formatOf(text: string): AnswerFormat | null {
  return BEGINNINGS.find(([beginning]) => beginning.test(text))?.[1] ?? null;
}

const BEGINNINGS: readonly (readonly [RegExp, AnswerFormat])[] = [
  [/^PAR1/, 'parquet'],
  [/^SQLite format 3/, 'sqlite'],
  [/^custom_id,outcome,/, 'csv'],
  [/^custom_id\toutcome\t/, 'tsv'],
  [/^\{"custom_id":"[^"]*","outcome":"/, 'flat'],
  [/^\{/, 'jsonl'],
];
