import { Buffer } from 'node:buffer';

/**
 * The simulator's tokenizer: four bytes of UTF-8 are a token. It is no model's, and does not try to be: what matters is
 * that anybody can predict it.
 */
export function textTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

export const IMAGE_TOKENS = 1600;
export const PDF_PAGE_TOKENS = 1500;

/** The longest start of a text that is no more than `tokens`, cut between characters. */
export function cutToTokens(text: string, tokens: number): string {
  const limit = tokens * 4;
  if (Buffer.byteLength(text) <= limit) return text;
  const bytes = Buffer.from(text);
  let end = limit;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/**
 * Pages of a PDF in base64, as its uncompressed objects declare them. A file that keeps its page objects compressed
 * declares none in the open and counts as its `/Count` says, or as one page.
 */
export function pdfPages(base64: string): number {
  const source = Buffer.from(base64, 'base64').toString('latin1');
  const pages = source.match(/\/Type\s*\/Page(?![A-Za-z])/g)?.length ?? 0;
  if (pages > 0) return pages;
  const counts = [...source.matchAll(/\/Count\s+(\d{1,5})/g)].map((match) => Number(match[1]));
  return Math.max(1, ...counts);
}
