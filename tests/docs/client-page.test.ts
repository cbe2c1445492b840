import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as client from '@batchwright/client';
import { expect, test } from 'vitest';
import { ROOT } from './pages.ts';

/** The client's own page, which is all that a package registry shows of it. */
const page = readFileSync(join(ROOT, 'packages/client/README.md'), 'utf8');

/** First cells, in backquotes, of the table below a heading. */
function rowsUnder(heading: string): readonly string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  return [...table.matchAll(/^\| `(\w+)/gm)].map((match) => match[1] ?? '');
}

test('the client’s page explains every option of a run, and no other', () => {
  const source = readFileSync(join(ROOT, 'packages/client/src/run/run-options.ts'), 'utf8');
  const [, options = ''] = /interface RunOptions \{\n([\s\S]*?)\n\}/.exec(source) ?? [];
  const names = [...options.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1] ?? '');
  expect(names).toContain('maxCostUsd');
  expect(rowsUnder('Options')).toEqual(names);
});

test('the client’s page names every error that the client exports', () => {
  const errors = Object.keys(client).filter((name) => name.endsWith('Error'));
  expect(errors).toContain('ServiceError');
  expect(rowsUnder('Errors').toSorted()).toEqual(errors.toSorted());
});
