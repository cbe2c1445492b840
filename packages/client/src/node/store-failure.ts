import { StoreFullError } from '../store/run-store.ts';
import { errorCode } from './error-code.ts';

/** Codes by which an operating system says that there is no room: for anyone, for this owner's quota, or in this file. */
const FULL_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What to throw when the world failed while `doing` something to `path`; a full disk gets its own class. */
export function storeFailure(doing: string, path: string, cause: unknown): Error {
  if (cause instanceof StoreFullError) return cause;
  if (FULL_CODES.has(errorCode(cause))) {
    return new StoreFullError(
      `no space left while ${doing} ${path}; free some and start the same again: nothing that was kept is lost`,
      { cause },
    );
  }
  return new Error(`failed while ${doing} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}
