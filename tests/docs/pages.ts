import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The documentation as text: every Markdown page of the project, and the parts of a page that tests look at. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** Below the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

const NOT_OURS = new Set(['node_modules', 'dist', '.git']);

/** Every Markdown page of the project. */
export function pages(): readonly Page[] {
  return markdownUnder(ROOT).map((path) => ({
    path: relative(ROOT, path).replaceAll('\\', '/'),
    text: readFileSync(path, 'utf8'),
  }));
}

function markdownUnder(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return markdownUnder(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** What the line above the block says it quotes, as in `<!-- quotes examples/basic.ts -->`. */
  readonly quotes: string | null;
}

/** The fenced blocks of a page. */
export function codeBlocks(text: string): readonly CodeBlock[] {
  const fence = /(?:<!-- quotes (\S+) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fence)].map(([, quotes = null, language = '', code = '']) => ({ quotes, language, code }));
}

/** A page without its fenced blocks. */
export function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** Relative links of a page: target and anchor. */
export function relativeLinks(text: string): readonly { readonly target: string; readonly anchor: string | null }[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [target = '', anchor = null] = link.split('#');
      return { target, anchor };
    });
}

/** Anchors that a page's headings make, as GitHub makes them. */
export function anchors(text: string): ReadonlySet<string> {
  const headings = [...prose(text).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
