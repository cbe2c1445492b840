import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BadRequestsError } from '@batchwright/client';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parquetRows } from '../../packages/cli/src/input/rows/parquet-rows.ts';
import { runCommand } from '../../packages/cli/src/command-process.fixture.ts';

/** Files that somebody else made, given to the command line. */
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'batchwright-input-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('a file that unpacks to far more than it is', () => {
  it('of one endless line is refused when the line is longer than any request', async () => {
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024, 'a'));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    await writeFile(join(directory, 'bomb.jsonl.gz'), bomb);
    const { code, err } = await runCommand(['estimate', 'bomb.jsonl.gz'], directory, { HOME: directory });
    expect(code).toBe(2);
    expect(err).toMatch(/bomb\.jsonl\.gz line 1 is longer than 32\.0 MB/);
  });

  it('packed twice is not unpacked twice', async () => {
    await writeFile(join(directory, 'twice.jsonl'), gzipSync(gzipSync('{"custom_id":"a"}\n')));
    const { code, err } = await runCommand(['estimate', 'twice.jsonl'], directory, { HOME: directory });
    expect(code).toBe(2);
    expect(err).toMatch(/twice\.jsonl is not text/);
  });
});

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

describe('what a hostile file says', () => {
  it('does not reach the terminal as commands', async () => {
    const hostile = '\u001b]0;title\u0007\u009b2J\u202e';
    await writeFile(join(directory, 'rows.csv'), `a,${hostile}b\n1,2\n`);
    await writeFile(
      join(directory, 'requests.jsonl'),
      `{"custom_id":"${hostile}","params":{}}\n{"${hostile}":1}\n${hostile}\n`,
    );
    const runs = [
      ['estimate', 'requests.jsonl'],
      ['estimate', 'rows.csv', '--model', 'claude-haiku-4-5', '--prompt', '{{nothing}}'],
      ['estimate', 'rows.csv', '--model', 'claude-haiku-4-5', '--prompt', '{{a}}', '--id-column', 'nothing'],
      ['estimate', `${hostile}.jsonl`],
    ];
    for (const args of runs) {
      const { code, out, err } = await runCommand(args, directory, { HOME: directory });
      expect(code, err).not.toBe(0);
      expect(out + err).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
    }
  });
});

describe('what a run keeps', () => {
  it.skipIf(process.platform === 'win32')('is readable by its owner only', async () => {
    await writeFile(
      join(directory, 'requests.jsonl'),
      '{"custom_id":"a","params":{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}}\n',
    );
    await runCommand(['run', 'requests.jsonl', '-o', 'out.jsonl', '--server', 'simulated'], directory, {
      HOME: directory,
    });
    const kept = await stat(join(directory, 'out.jsonl.run'));
    expect(kept.mode & 0o077).toBe(0);
  });
});
