import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { textAnswer } from './answers.fixture.ts';
import { directoryAnswers, fileNameOf } from './directory-answers.ts';

test.each([
  ['row-1', 'linux', /^row-1\.json$/],
  ['CON', 'linux', /^CON\.json$/],
  ['CON', 'win32', /^CON~[0-9a-f]{12}\.json$/],
  ['lpt1', 'win32', /^lpt1~[0-9a-f]{12}\.json$/],
  ['..', 'linux', /^__~[0-9a-f]{12}\.json$/],
  ['a/b\\c', 'linux', /^a_b_c~[0-9a-f]{12}\.json$/],
  ['', 'linux', /^~[0-9a-f]{12}\.json$/],
  ['x'.repeat(300), 'linux', /^x{64}~[0-9a-f]{12}\.json$/],
])('the file of %s on %s', (customId, platform, name) => {
  expect(fileNameOf(customId, platform)).toMatch(name);
});

it('keeps both where a name is taken, as where upper case and lower case are one', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'batchwright-directory-'));
  const writer = await directoryAnswers(join(cwd, 'out'));
  // A name that is taken is what such a file system says of `A` after `a`.
  await writer.write(textAnswer('a', 'one'));
  await writer.write(textAnswer('a', 'two'));
  await writer.finish();
  const names = await readdir(join(cwd, 'out'));
  expect(names.toSorted()).toEqual(['a.json', expect.stringMatching(/^a~[0-9a-f]{12}\.json$/)]);
  const texts = await Promise.all(names.map((name) => readFile(join(cwd, 'out', name), 'utf8')));
  expect(texts.join('')).toContain('"one"');
  expect(texts.join('')).toContain('"two"');
  await rm(cwd, { recursive: true });
});
