import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { BadOutputError } from './bad-output.ts';
import { checkClash } from './output-clash.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'batchwright-clash-'));
  await mkdir(join(cwd, 'sub'));
  await writeFile(join(cwd, 'in.csv'), 'text\nx\n');
  await writeFile(join(cwd, 'old.csv'), '');
  await symlink('in.csv', join(cwd, 'soft.csv'));
  await symlink('.', join(cwd, 'here'));
  await link(join(cwd, 'in.csv'), join(cwd, 'hard.csv'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

async function refusal(output: string, inputs: readonly string[], runDir = `${output}.run`): Promise<string> {
  const error = await checkClash({ output, runDir, inputs }, cwd).then(
    () => new Error('taken'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BadOutputError);
  return (error as Error).message;
}

describe('an output that is what is read', () => {
  test.each(['./in.csv', 'sub/../in.csv', 'soft.csv', 'hard.csv', 'here/in.csv', 'here/here/soft.csv'])(
    'is refused by whatever way it leads there: %s',
    async (output) => {
      expect(await refusal(output, ['other.csv', 'in.csv'])).toBe(
        `in.csv and ${output} are one file: what is read, and would be overwritten. Name another output with -o.`,
      );
    },
  );

  it('is refused by its own name', async () => {
    expect(await refusal('in.csv', ['in.csv'])).toBe(
      'in.csv is what is read, and would be overwritten. Name another output with -o.',
    );
  });

  it('is another file, a new one, a directory or standard output otherwise', async () => {
    for (const output of ['old.csv', 'new.csv', 'sub/in.csv', 'sub/', '-']) {
      await checkClash({ output, runDir: 'kept.run', inputs: ['in.csv', '-', 'https://h/a.pdf'] }, cwd);
    }
  });
});

describe('the directory of a run', () => {
  test.each([
    ['kept', 'kept'],
    ['kept/out.csv', './kept'],
    ['here/sub/out.csv', 'sub'],
  ])('holds no output: %s in %s', async (output, runDir) => {
    expect(await refusal(output, [], runDir)).toBe(
      `${output} lies in ${runDir}, where the run is kept. Name another output with -o.`,
    );
  });

  it('holds nothing that is read, which would go with it', async () => {
    await writeFile(join(cwd, 'sub', 'requests.jsonl'), '');
    expect(await refusal('out.csv', ['sub/requests.jsonl'], 'here/sub')).toBe(
      'sub/requests.jsonl lies in here/sub, where the run is kept. Copy it elsewhere, or name another --run-dir.',
    );
  });
});
