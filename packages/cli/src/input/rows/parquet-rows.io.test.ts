import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { all, contentsOf, type InputDirectory, inputDirectory } from '../input.fixture.ts';
import { openRequestSource } from '../open-request-source.ts';
import { parquetRows } from './parquet-rows.ts';

let dir: InputDirectory;

beforeEach(async () => {
  dir = await inputDirectory();
});
afterEach(async () => dir.remove());

type ColumnData = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

async function write(columnData: ColumnData, rowGroupSize = 1000): Promise<void> {
  await dir.write('rows.parquet', new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize })));
}

async function prompts(prompt: string): Promise<unknown[]> {
  return contentsOf(await openRequestSource('rows.parquet', { model: 'm', prompt }, dir.host));
}

describe('rows of Parquet', () => {
  it('are text, whatever their type', async () => {
    await write([
      { name: 'text', data: ['a "b"', 'ü\n'], type: 'STRING' },
      { name: 'whole', data: [9_007_199_254_740_993n, 2n], type: 'INT64' },
      { name: 'half', data: [0.5, -1e300], type: 'DOUBLE' },
      { name: 'is', data: [true, false], type: 'BOOLEAN' },
      { name: 'at', data: [new Date(0), new Date(86_400_000)], type: 'TIMESTAMP' },
      { name: 'deep', data: [{ a: [1, 'x'] }, { a: [] }], type: 'JSON' },
      { name: 'maybe', data: [null, 'there'], type: 'STRING' },
    ]);
    expect(await prompts('{{text}}|{{whole}}|{{half}}|{{is}}|{{at}}|{{deep}}|{{maybe}}')).toEqual([
      'a "b"|9007199254740993|0.5|true|1970-01-01T00:00:00.000Z|{"a":[1,"x"]}|',
      'ü\n|2|-1e+300|false|1970-01-02T00:00:00.000Z|{"a":[]}|there',
    ]);
  });

  it('come in order from every row group, and say which they are', async () => {
    const data = Array.from({ length: 2500 }, (_, at) => `text ${at}`);
    await write([{ name: 'text', data, type: 'STRING' }], 700);
    const source = await openRequestSource('rows.parquet', { model: 'm', prompt: '{{text}}' }, dir.host);
    expect(await contentsOf(source)).toEqual(data);
    expect((await all(source.requests())).at(-1)?.origin).toBe('rows.parquet row 2500');
    expect(source.progress.readBytes).toBe(source.progress.totalBytes);
  });

  it('of a large group are read slice by slice', async () => {
    // 40 MB in one group, so that it is cut in three.
    const data = Array.from({ length: 4000 }, (_, at) => `${at} ${'x'.repeat(10_000)}${Math.random()}`);
    await write([{ name: 'text', data, type: 'STRING' }], 10_000);
    const progress = { readBytes: 0, totalBytes: null };
    const seen = new Set<number>();
    let row = 0;
    for await (const { text } of wrapped(
      parquetRows({ name: 'r', path: join(dir.path, 'rows.parquet'), progress }, ['text']),
    )) {
      expect(text === data[row++]).toBe(true);
      seen.add(progress.readBytes);
    }
    expect(row).toBe(4000);
    expect(seen.size).toBeGreaterThanOrEqual(3);
  });

  it('have the columns that the file has', async () => {
    await write([
      { name: 'id', data: ['a'], type: 'STRING' },
      { name: 'review', data: ['x'], type: 'STRING' },
    ]);
    await expect(prompts('{{reviw}}')).rejects.toThrow(
      'rows.parquet row 1 has no column "reviw", which --prompt names. Did you mean "review"? Its columns are "id" and "review".',
    );
    expect(await prompts('no column')).toEqual(['no column']);
  });
});

async function* wrapped(rows: ReturnType<typeof parquetRows>): AsyncGenerator<{ readonly text: string | null }> {
  for await (const row of rows) yield { text: row.text('text') };
}
