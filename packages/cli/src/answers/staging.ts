/**
 * Output is made under a name beside its own and renamed when it is whole, so that whoever looks sees the old output or
 * the new one. What a killed process left there is removed by the next that writes the same output.
 */
import { randomBytes } from 'node:crypto';
import { chmod, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { errorCode, isAlive, syncDirectory } from '@batchwright/client/node';

/** A place to make an output in. */
export interface Staging {
  /** Where to make it; nothing is there yet. */
  readonly path: string;
  /** Where it shall be: behind a link, what the link points to. */
  readonly target: string;
}

/** Long names are cut, since what is added to them must fit in the 255 bytes of a name. */
const LONGEST_STEM = 60;
const SUFFIX = '.partial';
const PERMISSIONS = 0o777;

/** Finds a place beside the target, and clears away what dead processes left. */
export async function stage(path: string): Promise<Staging> {
  const target = await realpath(path).catch((error: unknown) => {
    if (isMissing(error)) return path;
    throw error;
  });
  const directory = dirname(target);
  const prefix = `.${basename(target).slice(0, LONGEST_STEM)}.`;
  await removeLeftovers(directory, prefix);
  return { target, path: join(directory, `${prefix}${process.pid}-${randomBytes(4).toString('hex')}${SUFFIX}`) };
}

/** Puts a finished file, whose bytes are synced, in its place. */
export async function publishFile({ path, target }: Staging): Promise<void> {
  const replaced = await stat(target).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (replaced !== null) await chmod(path, replaced.mode & PERMISSIONS);
  await rename(path, target);
  await syncDirectory(dirname(target));
}

/** Takes away what was made, whatever it is by now. */
export async function unstage({ path }: Staging): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

async function removeLeftovers(directory: string, prefix: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix) || !name.endsWith(SUFFIX)) continue;
    const pid = /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(prefix.length, -SUFFIX.length))?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(directory, name), { recursive: true, force: true });
  }
}

function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT';
}
