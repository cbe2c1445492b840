/** A disk that is really full: a small file system in memory, where the machine lets us mount one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ANSWER_FORMATS, type AnswerFormat } from './answer-format.ts';
import { openAnswerWriter } from './answer-output.ts';
import { textAnswer } from './answers.fixture.ts';
import { OutputFailedError } from './output-failure.ts';

const root = mkdtempSync(join(tmpdir(), 'batchwright-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', root]).status === 0;
afterAll(() => {
  if (mounted && spawnSync('umount', [root]).status !== 0) throw new Error('a writer left a file open');
  rmSync(root, { recursive: true, force: true });
});

/** Text that does not compress. */
function noise(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 2000 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(48 + ((state >>> 8) % 74));
  }).join('');
}

async function writeTooMuch(path: string, format: AnswerFormat): Promise<void> {
  const writer = await openAnswerWriter(path, format);
  for (let i = 0; i < 4000; i++) await writer.write(textAnswer(`row-${i}`, noise(i)));
  await writer.finish();
}

describe.runIf(mounted)('on a full file system', () => {
  test.each(ANSWER_FORMATS.filter((format) => format !== 'dir'))(
    '%s fails clearly, and the old output stays',
    async (format) => {
      const path = join(root, `out.${format}`);
      await writeFile(path, 'old');
      const failure = await writeTooMuch(path, format).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(OutputFailedError);
      expect(failure).toMatchObject({
        message: `the disk is too full for ${path}. Make room, then run the same command again.`,
      });
      expect(await readFile(path, 'utf8')).toBe('old');
      rmSync(path);
      expect(await readdir(root)).toEqual([]);
    },
  );

  test('a directory fails clearly, and nothing of it is left', async () => {
    const path = join(root, 'out');
    await expect(writeTooMuch(path, 'dir')).rejects.toThrow(`the disk is too full for ${path}.`);
    expect(await readdir(root)).toEqual([]);
  });
});
