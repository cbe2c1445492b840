import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadRequestsError } from '@batchwright/client';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parquetRows } from './parquet-rows.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-parquet-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a Parquet file', () => {
  const rows = { columnData: [{ name: 'text', data: ['a', 'b'], type: 'STRING' as const }] };

  /** Every row of the file, unless it has more than anybody wrote. */
  async function read(bytes: Uint8Array): Promise<number> {
    const path = join(directory, 'rows.parquet');
    await writeFile(path, bytes);
    const input = { name: 'rows', path, progress: { readBytes: 0, totalBytes: null } };
    let count = 0;
    for await (const row of parquetRows(input, ['text'])) if (++count > 100 || row.text('text') === '') break;
    return count;
  }

  it('that is cut anywhere is refused', async () => {
    const sound = new Uint8Array(parquetWriteBuffer(rows));
    expect(await read(sound)).toBe(2);
    for (let bytes = 0; bytes < sound.length; bytes += 7) {
      await expect(read(sound.subarray(0, bytes))).rejects.toBeInstanceOf(BadRequestsError);
    }
  });

  it('whose footer says that it is longer than the file is refused', async () => {
    const sound = new Uint8Array(parquetWriteBuffer(rows));
    for (const length of [0x7fff_ffff, sound.length, 0xffff_ffff]) {
      const bytes = sound.slice();
      new DataView(bytes.buffer).setUint32(bytes.length - 8, length, true);
      await expect(read(bytes)).rejects.toBeInstanceOf(BadRequestsError);
    }
  });
});
