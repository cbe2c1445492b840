import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { errorCode } from '@batchwright/client/node';
import { BadOutputError } from './bad-output.ts';

/** Where a run is kept: a directory, or nothing yet where one can be made. Rejects with `BadOutputError`. */
export async function checkRunDir(path: string): Promise<void> {
  const existing = await statOf(path);
  if (existing === null) return checkParent(path);
  if (!existing.isDirectory()) {
    throw new BadOutputError(`${path} is a file, but a run is kept in a directory. Name another with --run-dir.`);
  }
  await checkWritable(path);
}

/** Whether something can be made beside a path. Rejects with `BadOutputError`. */
export async function checkParent(path: string): Promise<void> {
  const parent = dirname(path);
  const at = await statOf(parent);
  if (at === null) throw new BadOutputError(`${parent} does not exist, so ${path} cannot be written. Make it first.`);
  if (!at.isDirectory()) throw new BadOutputError(`${parent} is not a directory, so ${path} cannot be written.`);
  await checkWritable(parent);
}

/**
 * Whether something can be made in a directory. Permissions do not tell it of everything that looks like one, such as
 * `/proc`, so it is tried. Rejects with `BadOutputError`.
 */
export async function checkWritable(directory: string): Promise<void> {
  const trial = join(directory, `.${process.pid}-${randomBytes(4).toString('hex')}.partial`);
  try {
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    // Never with `recursive`, which comes to no end where a directory says that it does not exist.
    await mkdir(trial);
    await rmdir(trial);
  } catch (error) {
    const code = errorCode(error);
    // There may be room by the time it is needed; a run that fills a disk says so itself, and goes on later.
    if (code === 'ENOSPC' || code === 'EDQUOT') return;
    const line = DENIED.has(code)
      ? `${directory} may not be written to. Change its permissions, or write elsewhere.`
      : `nothing can be made in ${directory} (${String(code)}). Write elsewhere.`;
    throw new BadOutputError(line, { cause: error });
  }
}

const DENIED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM']);

/** What is there; null: nothing. */
export async function statOf(path: string): Promise<Stats | null> {
  try {
    // With a slash at its end the path of a file would look as if nothing were there.
    return await stat(path.replace(/(?<=.)[/\\]+$/, ''));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new BadOutputError(`${path} cannot be looked at: ${String(error)}.`, { cause: error });
  }
}
