import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const RUNNER = fileURLToPath(new URL('../../packages/cli/bin/bundle.js', import.meta.url));
const run = promisify(execFile);

/** What a bundle of one file said when it was run, and whether it was run as it had been compiled. */
interface Ran {
  readonly said: string;
  readonly isCompiled: boolean;
  readonly trace: string;
}

/** Runs the bundle beside it; with `keep` in its arguments it keeps what was compiled. */
const ENTRY = `
  const { writeFileSync } = require('node:fs');
  const { join } = require('node:path');
  const { BUNDLE, COMPILED, runBundle, sealed } = require('./bin/bundle.js');
  let file;
  runBundle((name, script, source) => (file = { name, script, source }));
  const { name, script, source } = file;
  if (process.argv[2] === 'keep') writeFileSync(join(BUNDLE, name + COMPILED), sealed(script, source));
  console.log(JSON.stringify({ ...globalThis.ran, isCompiled: script.cachedDataRejected === false }));
`;

const saying = (word: string): string =>
  `(function (exports, require) { const said = () => '${word}'; globalThis.ran = { said: said(), trace: new Error().stack };\n})`;

describe('what was compiled of the command line', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'batchwright-compiled-'));
    await mkdir(join(directory, 'dist', 'bundle'), { recursive: true });
    await cp(RUNNER, join(directory, 'bin', 'bundle.js'));
    await writeFile(join(directory, 'entry.js'), ENTRY);
    await writeFile(main(), saying('first'));
    await ran('keep');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const main = (): string => join(directory, 'dist', 'bundle', 'main.cjs');
  const compiled = (): string => `${main()}.compiled`;
  const ran = async (...args: readonly string[]): Promise<Ran> => {
    const { stdout } = await run(process.execPath, [join(directory, 'entry.js'), ...args]);
    return JSON.parse(stdout) as Ran;
  };

  it('is run as it is', async () => {
    expect(await ran()).toMatchObject({ said: 'first', isCompiled: true });
  });

  it('is not run for another text, of the same length or not', async () => {
    for (const word of ['other', 'longer']) {
      await writeFile(main(), saying(word));
      expect(await ran()).toMatchObject({ said: word, isCompiled: false });
    }
  });

  it('is not run when a byte of it changed, or when it was cut', async () => {
    const whole = await readFile(compiled());
    const flipped = [0, 5, 100, whole.length >> 1, whole.length - 1].map((place) => {
      const bytes = Buffer.from(whole);
      bytes[place] = (bytes[place] as number) ^ 0x10;
      return bytes;
    });
    for (const bytes of [...flipped, whole.subarray(0, whole.length >> 1), whole.subarray(0, 7), Buffer.alloc(0)]) {
      await writeFile(compiled(), bytes);
      expect(await ran()).toMatchObject({ said: 'first', isCompiled: false });
    }
  });

  it('names its files in stack traces, and not where they were built', async () => {
    const moved = `${directory}-moved`;
    await cp(directory, moved, { recursive: true });
    await rm(directory, { recursive: true });
    directory = moved;
    const { trace, isCompiled } = await ran();
    expect(isCompiled).toBe(true);
    expect(trace.split('\n')[1]).toMatch(/^ {4}at batchwright\/dist\/bundle\/main\.cjs:1:\d+$/);
  });
});
