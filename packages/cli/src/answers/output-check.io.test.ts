import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { BadOutputError } from './bad-output.ts';
import { checkOutput } from './output-check.ts';
import { checkRunDir } from './writable-place.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'batchwright-output-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

async function refusal(path: string, named?: string): Promise<string> {
  const error = await checkOutput(path, named).then(
    (format) => new Error(`taken as ${format}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BadOutputError);
  return (error as Error).message.replaceAll(cwd, '…');
}

describe('the format of an output', () => {
  test.each([
    ['a.jsonl', 'jsonl'],
    ['a.NDJSON', 'jsonl'],
    ['a.csv', 'csv'],
    ['a.tsv', 'tsv'],
    ['a.parquet', 'parquet'],
    ['a.sqlite', 'sqlite'],
    ['a.db', 'sqlite'],
    ['a/', 'dir'],
  ])('is what its name ends in: %s', async (name, format) => {
    expect(await checkOutput(`${cwd}/${name}`)).toBe(format);
  });

  it('is the one that was named, whatever its name ends in', async () => {
    expect(await checkOutput(join(cwd, 'a.txt'), 'flat')).toBe('flat');
    expect(await checkOutput(join(cwd, 'a.csv'), 'jsonl')).toBe('jsonl');
  });

  it('is a directory where there is one', async () => {
    expect(await checkOutput(cwd)).toBe('dir');
  });

  it('is the API’s lines on standard output, and any other that can be streamed', async () => {
    expect(await checkOutput('-')).toBe('jsonl');
    expect(await checkOutput('-', 'csv')).toBe('csv');
    expect(await refusal('-', 'parquet')).toBe(
      'parquet cannot go to standard output, only jsonl, flat, csv, tsv can. Name a file with -o.',
    );
  });

  it('must be one of tables, where formulas are escaped', async () => {
    expect(await checkOutput(join(cwd, 'a.csv'), undefined, true)).toBe('csv');
    await expect(checkOutput('-', undefined, true)).rejects.toThrow(
      /^--escape-formulas is about csv and tsv, but - is jsonl\. Leave it out\.$/,
    );
  });

  it('must be one there is', async () => {
    expect(await refusal(join(cwd, 'a.xlsx'))).toBe(
      '…/a.xlsx does not say its format. End it in .jsonl, .csv, .tsv, .parquet, .sqlite or, for a directory, /; ' +
        'or give --format jsonl|flat|csv|tsv|parquet|sqlite|dir.',
    );
    expect(await refusal(join(cwd, 'a.csv'), 'xlsx')).toBe(
      '--format is "xlsx", but must be one of jsonl, flat, csv, tsv, parquet, sqlite, dir.',
    );
  });
});

describe('the place of an output', () => {
  it('must be in a directory that exists', async () => {
    expect(await refusal(join(cwd, 'no', 'a.csv'))).toBe(
      '…/no does not exist, so …/no/a.csv cannot be written. Make it first.',
    );
    await writeFile(join(cwd, 'file'), '');
    expect(await refusal(join(cwd, 'file', 'a.csv'))).toBe(
      '…/file is not a directory, so …/file/a.csv cannot be written.',
    );
  });

  it('must hold what the format is: a file, or a directory', async () => {
    await mkdir(join(cwd, 'd.csv'));
    await writeFile(join(cwd, 'file'), '');
    expect(await refusal(join(cwd, 'd.csv'), 'csv')).toBe(
      '…/d.csv is a directory, but csv is one file. Name the file, or give --format dir.',
    );
    expect(await refusal(`${cwd}/file/`)).toBe('…/file/ is a file, but dir wants a directory. Name another with -o.');
    expect(await refusal(join(cwd, 'file'), 'dir')).toBe(
      '…/file is a file, but dir wants a directory. Name another with -o.',
    );
  });

  it('is never a device, which a rename would replace', async () => {
    expect(await refusal('/dev/null', 'jsonl')).toBe('/dev/null is not a file. For standard output give -o -.');
  });

  // The superuser may write anywhere.
  it.skipIf(process.getuid?.() === 0)('must be writable', async () => {
    await chmod(cwd, 0o500);
    expect(await refusal(join(cwd, 'a.csv'))).toBe(
      '… may not be written to. Change its permissions, or write elsewhere.',
    );
  });

  it.runIf(process.platform === 'linux')('must take new files, which not all that looks so does', async () => {
    expect(await refusal('/proc/a.csv')).toMatch(/^nothing can be made in \/proc \(E[A-Z]+\)\. Write elsewhere\.$/);
    await expect(checkRunDir('/proc/a.run')).rejects.toThrow(/^nothing can be made in \/proc/);
    expect(await readdir(cwd)).toEqual([]);
  });

  it('goes for the directory of a run as well', async () => {
    await writeFile(join(cwd, 'file'), '');
    await checkRunDir(cwd);
    await checkRunDir(join(cwd, 'new.run'));
    expect(await readdir(cwd)).toEqual(['file']);
    await expect(checkRunDir(join(cwd, 'file'))).rejects.toThrow(
      /file is a file, but a run is kept in a directory\. Name another with --run-dir\.$/,
    );
    await expect(checkRunDir(join(cwd, 'no', 'a.run'))).rejects.toThrow(/no does not exist, so .* Make it first\.$/);
  });

  it('has a name', async () => {
    expect(await refusal('')).toBe('the output has no name. Name a file with -o, or - for standard output.');
  });
});
