import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, anchors, codeBlocks, pages, relativeLinks } from './pages.ts';

describe.each(pages())('$path', ({ path, text }) => {
  it('links only to what exists', () => {
    const broken = relativeLinks(text).filter(({ target, anchor }) => {
      const file = target === '' ? join(ROOT, path) : join(ROOT, dirname(path), target);
      if (!existsSync(file)) return true;
      return anchor !== null && file.endsWith('.md') && !anchors(readFileSync(file, 'utf8')).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

const quotes = pages().flatMap(({ path, text }) =>
  codeBlocks(text).flatMap(({ quotes: source, code }) => (source === null ? [] : [{ path, source, code }])),
);

it.each(quotes)('$path quotes $source as it stands', ({ source, code }) => {
  expect(readFileSync(join(ROOT, source), 'utf8')).toContain(code);
});

describe('the pages', () => {
  it('can all be reached from the README', () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const { target } of relativeLinks(readFileSync(join(ROOT, path), 'utf8'))) {
        const next = join(dirname(path), target);
        if (next.endsWith('.md') && existsSync(join(ROOT, next))) visit(next);
      }
    };
    visit('README.md');
    expect(
      pages()
        .map((page) => page.path)
        .filter((path) => !reached.has(path)),
    ).toEqual([]);
  });
});
