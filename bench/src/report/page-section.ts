import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Replaces what lies between `<!-- name -->` and `<!-- /name -->` in a page, and nothing else of it. A page that has no
 * such place gets one at its end; one that does not exist is made.
 */
export function replaceSection(file: string, name: string, lines: readonly string[]): void {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, withSection(page, name, lines));
}

/** The page with the section's lines in place of those it had. */
export function withSection(page: string, name: string, lines: readonly string[]): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = [open, '', ...lines, '', close].join('\n');
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start >= 0 && end > start) return page.slice(0, start) + section + page.slice(end + close.length);
  return page === '' ? `${section}\n` : `${page.trimEnd()}\n\n${section}\n`;
}
