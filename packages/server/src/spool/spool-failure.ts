import { SpoolFullError } from './spool.ts';
import { StoredDamageError } from './stored-damage.ts';

/** Codes by which an operating system says that there is no room: for anyone, for this owner's quota, or in this file. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The `code` of an error of the operating system, or undefined. */
export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** What to throw when the world failed while the spool was `doing` something; a full disk and damage keep their class. */
export function spoolFailure(doing: string, cause: unknown): Error {
  if (cause instanceof SpoolFullError || cause instanceof StoredDamageError) return cause;
  if (FULL_CODES.has(errorCode(cause))) {
    return new SpoolFullError(`no space left in the spool while ${doing}; free space on its file system`, { cause });
  }
  return new Error(`the spool failed while ${doing}`, { cause });
}
