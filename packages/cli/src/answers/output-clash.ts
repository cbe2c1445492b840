/** What a run reads must still be there when it has ended, so its output and its own directory are kept apart from that. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { STANDARD_OUTPUT } from './answer-format.ts';
import { BadOutputError } from './bad-output.ts';

/** The places of a run, as they were named. */
export interface RunPlaces {
  readonly output: string;
  readonly runDir: string;
  /** Files that are read; what is no file is passed over. */
  readonly inputs: readonly string[];
}

/** Rejects with `BadOutputError` where two names are one place, by whatever way they lead there. */
export async function checkClash({ output, runDir, inputs }: RunPlaces, cwd: string): Promise<void> {
  const kept = await realPlace(resolve(cwd, runDir));
  if (output !== STANDARD_OUTPUT) {
    const target = await realPlace(resolve(cwd, output));
    if (isWithin(kept, target)) {
      throw new BadOutputError(`${output} lies in ${runDir}, where the run is kept. Name another output with -o.`);
    }
  }
  for (const input of inputs) await checkInput(input, { output, runDir, kept }, cwd);
}

interface Kept extends Pick<RunPlaces, 'output' | 'runDir'> {
  /** The real path of the run's directory. */
  readonly kept: string;
}

async function checkInput(input: string, { output, runDir, kept }: Kept, cwd: string): Promise<void> {
  const id = await identityOf(resolve(cwd, input));
  if (id === null) return;
  if (output !== STANDARD_OUTPUT && id === (await identityOf(resolve(cwd, output)))) {
    const names = input === output ? `${input} is` : `${input} and ${output} are one file:`;
    throw new BadOutputError(`${names} what is read, and would be overwritten. Name another output with -o.`);
  }
  if (isWithin(kept, await realPlace(resolve(cwd, input)))) {
    throw new BadOutputError(
      `${input} lies in ${runDir}, where the run is kept. Copy it elsewhere, or name another --run-dir.`,
    );
  }
}

/** Whatever leads to the same file has the same one, hard links among them; null: there is nothing, or no file. */
async function identityOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found === null || !found.isFile() ? null : `${found.dev}:${found.ino}`;
}

/** The path without links, as far as there is anything. */
async function realPlace(path: string): Promise<string> {
  const real = await realpath(path).catch(() => null);
  if (real !== null || dirname(path) === path) return real ?? path;
  return join(await realPlace(dirname(path)), basename(path));
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
