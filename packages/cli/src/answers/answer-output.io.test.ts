import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { parse } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { ANSWER_COLUMNS, fieldsOf } from './answer-fields.ts';
import { ANSWER_FORMATS, type AnswerFormat } from './answer-format.ts';
import { openAnswerWriter, type AnswerOptions } from './answer-output.ts';
import { answerOf, manyAnswers, textAnswer } from './answers.fixture.ts';
import { OutputFailedError } from './output-failure.ts';

const MANY = 20_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'batchwright-answers-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const pathOf = (format: AnswerFormat): string => join(cwd, `out.${format}`);

async function writeMany(format: AnswerFormat, count: number, options: AnswerOptions = {}): Promise<string> {
  const path = pathOf(format);
  const writer = await openAnswerWriter(path, format, options);
  for (const answer of manyAnswers(count)) await writer.write(answer);
  await writer.finish();
  return path;
}

const expectedRows = (isStructured = false) => [...manyAnswers(MANY)].map((answer) => fieldsOf(answer, isStructured));
const lineTexts = () => [...manyAnswers(MANY)].map(({ line }) => Buffer.from(line).toString('utf8'));

describe(`${MANY} answers are read back`, () => {
  test('from JSONL, byte for byte', async () => {
    expect(await readFile(await writeMany('jsonl', MANY), 'utf8')).toBe(lineTexts().join('\n') + '\n');
  });

  test('from flat JSONL', async () => {
    const lines = (await readFile(await writeMany('flat', MANY), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { readonly custom_id: string }).custom_id)).toEqual(
      expectedRows().map((fields) => fields.custom_id),
    );
  });

  test.each([
    ['csv', ','],
    ['tsv', '\t'],
  ] as const)('from %s', async (format, delimiter) => {
    const rows: unknown[] = parse(await readFile(await writeMany(format, MANY)), { delimiter, columns: true });
    expect(rows).toEqual(
      expectedRows().map((fields) =>
        Object.fromEntries(ANSWER_COLUMNS.map(({ name }) => [name, String(fields[name] ?? '')])),
      ),
    );
  });

  test('from Parquet, with types', async () => {
    const file = await asyncBufferFromFile(await writeMany('parquet', MANY, { isStructured: true }));
    const rows = await parquetReadObjects({ file });
    expect(rows).toEqual(
      expectedRows(true).map((fields) =>
        Object.fromEntries(
          ANSWER_COLUMNS.map(({ name }) => {
            const value = fields[name];
            return [name, typeof value === 'number' ? BigInt(value) : value];
          }),
        ),
      ),
    );
  });

  test('from SQLite, with the lines', async () => {
    const database = new DatabaseSync(await writeMany('sqlite', MANY));
    const rows = database.prepare('SELECT * FROM answers ORDER BY rowid').all();
    const one = database.prepare('SELECT outcome FROM answers WHERE custom_id = ?').get('row-0000003');
    database.close();
    const lines = lineTexts();
    expect(rows).toEqual(expectedRows().map((fields, i) => ({ ...fields, line: lines[i] })));
    expect(one).toEqual({ outcome: 'errored' });
  });

  test('from a directory', async () => {
    const path = await writeMany('dir', MANY);
    const lines = lineTexts();
    expect((await readdir(path)).length).toBe(MANY);
    for (let i = 0; i < MANY; i += 997) {
      const text = await readFile(join(path, `row-${String(i).padStart(7, '0')}.json`), 'utf8');
      expect(text).toBe(`${JSON.stringify(JSON.parse(lines[i] ?? ''), null, 2)}\n`);
    }
  });
});

describe.each(ANSWER_FORMATS)('%s', (format) => {
  const names = (): Promise<string[]> => readdir(cwd);

  it('appears when it is finished, and not before', async () => {
    const writer = await openAnswerWriter(pathOf(format), format);
    await writer.write(textAnswer('a', 'yes'));
    expect(await names()).toEqual([expect.stringMatching(/^\.out\..*\.partial$/)]);
    await writer.finish();
    expect(await names()).toEqual([`out.${format}`]);
    await writer.discard();
    expect(await names()).toEqual([`out.${format}`]);
  });

  it('leaves nothing when it is discarded, once or twice', async () => {
    const writer = await openAnswerWriter(pathOf(format), format);
    await writer.write(textAnswer('a', 'yes'));
    await writer.discard();
    await writer.discard();
    expect(await names()).toEqual([]);
  });

  it('may hold no answers', async () => {
    const path = await writeMany(format, 0);
    expect(await names()).toEqual([`out.${format}`]);
    if (format === 'parquet') {
      const { num_rows: rows } = await parquetMetadataAsync(await asyncBufferFromFile(path));
      expect(rows).toBe(0n);
    }
  });

  it('fails in terms of the output, and leaves nothing', async () => {
    const writer = await openAnswerWriter(pathOf(format), format);
    await rm(cwd, { recursive: true, force: true });
    const end = writer.write(textAnswer('a', 'yes')).then(() => writer.finish());
    await expect(end).rejects.toBeInstanceOf(OutputFailedError);
    await expect(end).rejects.toThrow(pathOf(format));
    await mkdir(cwd);
    expect(await names()).toEqual([]);
  });

  it('that a killed process was writing is not there, and what it left is cleared away', async () => {
    const module = fileURLToPath(new URL('../../dist/answers/answer-output.js', import.meta.url));
    const script = `
      const { openAnswerWriter } = await import(${JSON.stringify(module)});
      const writer = await openAnswerWriter(${JSON.stringify(pathOf(format))}, ${JSON.stringify(format)});
      for (let i = 0; i < 3000; i++) {
        const line = JSON.stringify({ custom_id: 'r' + i, result: { type: 'succeeded', message: { content: [{ type: 'text', text: 'x'.repeat(500) }] } } });
        await writer.write({ customId: 'r' + i, line: Buffer.from(line), rejection: null });
      }
      process.stdout.write('written');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await names()).toEqual([expect.stringMatching(/^\.out\..*\.partial$/)]);
    await writeMany(format, 10);
    expect(await names()).toEqual([`out.${format}`]);
  });
});

describe('an output that is there', () => {
  it('is replaced when the new one is finished, and keeps its permissions', async () => {
    const path = pathOf('csv');
    await writeFile(path, 'old', { mode: 0o640 });
    const writer = await openAnswerWriter(path, 'csv');
    await writer.write(textAnswer('a', 'new'));
    expect(await readFile(path, 'utf8')).toBe('old');
    await writer.finish();
    expect(await readFile(path, 'utf8')).toContain('new');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it('is replaced where a link points, not the link', async () => {
    await mkdir(join(cwd, 'elsewhere'));
    await writeFile(join(cwd, 'elsewhere', 'real.jsonl'), 'old');
    await symlink(join('elsewhere', 'real.jsonl'), pathOf('jsonl'));
    await writeMany('jsonl', 1);
    expect((await lstat(pathOf('jsonl'))).isSymbolicLink()).toBe(true);
    expect(await readFile(join(cwd, 'elsewhere', 'real.jsonl'), 'utf8')).toContain('row-0000000');
  });

  it('as a database loses the journals that were not the new one’s', async () => {
    const path = pathOf('sqlite');
    const old = new DatabaseSync(path);
    old.exec('PRAGMA journal_mode = WAL; CREATE TABLE other (a)');
    await writeMany('sqlite', 10);
    expect(await readdir(cwd)).toEqual(['out.sqlite']);
    old.close();
    const database = new DatabaseSync(path);
    expect(database.prepare('SELECT count(*) AS n FROM answers').get()).toEqual({ n: 10 });
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    database.close();
  });

  it('as a directory keeps what is not of this run', async () => {
    const path = pathOf('dir');
    await mkdir(path);
    await writeFile(join(path, 'mine.txt'), 'mine');
    await writeFile(join(path, 'row-0000001.json'), 'old');
    await writeMany('dir', 3);
    expect((await readdir(path)).toSorted()).toEqual([
      'mine.txt',
      'row-0000000.json',
      'row-0000001.json',
      'row-0000002.json',
    ]);
    expect(await readFile(join(path, 'row-0000001.json'), 'utf8')).toContain('row-0000001');
    expect(await readdir(cwd)).toEqual(['out.dir']);
  });
});

describe('two writers of one output', () => {
  it('do not touch what the other makes', async () => {
    const [one, other] = await Promise.all([
      openAnswerWriter(pathOf('jsonl'), 'jsonl'),
      openAnswerWriter(pathOf('jsonl'), 'jsonl'),
    ]);
    await one.write(textAnswer('one', ''));
    await other.write(textAnswer('other', ''));
    await one.finish();
    await other.finish();
    expect(await readFile(pathOf('jsonl'), 'utf8')).toMatch(/^\{"custom_id":"other".*\n$/);
  });
});

describe('answers that break a rule', () => {
  it('fail where two are of one request and there must be one', async () => {
    const writer = await openAnswerWriter(pathOf('sqlite'), 'sqlite');
    await writer.write(textAnswer('a', 'one'));
    await expect(writer.write(textAnswer('a', 'two'))).rejects.toThrow(/UNIQUE constraint failed: answers\.custom_id/);
    expect(await readdir(cwd)).toEqual([]);
  });

  it('do not lead out of a directory by their names', async () => {
    const writer = await openAnswerWriter(pathOf('dir'), 'dir');
    await writer.write(answerOf('../../evil', { type: 'expired' }));
    await writer.finish();
    expect(await readdir(pathOf('dir'))).toEqual([expect.stringMatching(/^______evil~[0-9a-f]{12}\.json$/)]);
    expect(await readdir(cwd)).toEqual(['out.dir']);
  });
});

it('a directory may be named with a slash at its end, and through a link', async () => {
  for (const path of [`${cwd}/new/`, `${cwd}/new/`]) {
    const writer = await openAnswerWriter(path, 'dir');
    await writer.write(textAnswer('a', ''));
    await writer.finish();
  }
  await symlink('new', join(cwd, 'link'));
  const writer = await openAnswerWriter(join(cwd, 'link'), 'dir');
  await writer.write(textAnswer('b', ''));
  await writer.finish();
  expect((await readdir(join(cwd, 'new'))).toSorted()).toEqual(['a.json', 'b.json']);
  expect((await readdir(cwd)).toSorted()).toEqual(['link', 'new']);
});

describe('standard output', () => {
  it('gets what a file would', async () => {
    const pieces: Buffer[] = [];
    const standardOutput = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        pieces.push(chunk);
        setImmediate(done);
      },
    });
    const writer = await openAnswerWriter('-', 'csv', { standardOutput });
    for (const answer of manyAnswers(50)) await writer.write(answer);
    await writer.finish();
    expect(Buffer.concat(pieces)).toEqual(await readFile(await writeMany('csv', 50)));
  });

  it('whose reader has gone says so', async () => {
    const standardOutput = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const writer = await openAnswerWriter('-', 'jsonl', { standardOutput });
    await expect(writer.write(textAnswer('a', ''))).rejects.toMatchObject({
      isReaderGone: true,
      message: 'whoever read standard output stopped before its end.',
    });
  });
});
