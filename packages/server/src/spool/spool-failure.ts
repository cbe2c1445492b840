import { storageFault } from '../runtime/storage-fault.ts';
import { SpoolFullError } from './spool.ts';
import { StoredDamageError } from './stored-damage.ts';

/** The `code` of an error of the operating system, or undefined. */
export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** What to throw when the world failed while the spool was `doing` something; a full disk and damage keep their class. */
export function spoolFailure(doing: string, cause: unknown): Error {
  if (cause instanceof SpoolFullError || cause instanceof StoredDamageError) return cause;
  if (storageFault(cause) === 'full') {
    return new SpoolFullError(`no space left in the spool while ${doing}; free space on its file system`, { cause });
  }
  return new Error(`the spool failed while ${doing}`, { cause });
}
