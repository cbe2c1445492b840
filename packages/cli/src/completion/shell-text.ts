import type { CommandWords } from './command-words.ts';

/** What completion scripts of several shells are made of alike. */

/** The words of a command as scripts compare them, each with a space before it. */
export function pathText(path: readonly string[]): string {
  return path.map((word) => ` ${word}`).join('');
}

/** A word for shells of Bourne's family: in single quotes nothing else is heeded. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Cases that go from one command to the next, for shells of Bourne's family; the way so far is in `reached`. */
export function stepCases(all: readonly CommandWords[]): string {
  return all
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      ${quoted(pathText(path))}) reached=${quoted(pathText(path))} ;;`)
    .join('\n');
}
