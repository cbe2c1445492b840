import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
