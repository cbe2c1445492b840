import { readFile, readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';

/** The conformance checklist has 110 items. Every item is claimed by a test whose name begins with its number. */
const CLAIMED = range(1, 110);

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

test('every item of the checklist has a test', async () => {
  const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts'));
  const sources = await Promise.all(files.map((name) => readFile(`${import.meta.dirname}/${name}`, 'utf8')));
  const numbers = sources.flatMap((source) =>
    [...source.matchAll(/^\s*(?:test\(|test\.each\(.*\)\(|\](?: as const)?\)\(|\[|\s)\s*['"](\d+) /gm)].map((match) =>
      Number(match[1]),
    ),
  );
  expect([...new Set(numbers)].toSorted((a, b) => a - b)).toEqual(CLAIMED);
});
