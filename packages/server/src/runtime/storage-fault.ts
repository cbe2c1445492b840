import { SpoolFullError } from '../spool/spool.ts';

/**
 * What the world says when it cannot keep what it is given, in the words of the operating system and of SQLite. Both
 * throw; this tells which of the failures that pass a caller can be told about, and which are nobody's to explain.
 */
export type StorageFault = 'full' | 'unwritable' | 'no_descriptors';

/** No room: for anyone, for this owner's quota, or in this file. */
const OF_CODES: Readonly<Record<string, StorageFault>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EROFS: 'unwritable',
  EIO: 'unwritable',
  EMFILE: 'no_descriptors',
  ENFILE: 'no_descriptors',
};
/** SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL and SQLITE_CANTOPEN. */
const OF_SQLITE: Readonly<Record<number, StorageFault>> = {
  8: 'unwritable',
  10: 'unwritable',
  13: 'full',
  14: 'unwritable',
};
/** EDQUOT on Linux, for which Node's file system has no name. */
const QUOTA_ERRNO = -122;
/** Errors wrap each other three deep; a chain that is longer is a circle. */
const LONGEST_CHAIN = 8;

/** What kind of fault an error or one of its causes is; null when it is none of storage. */
export function storageFault(error: unknown): StorageFault | null {
  let link = error;
  for (let depth = 0; depth < LONGEST_CHAIN && link instanceof Error; depth++) {
    const fault = ownFault(link);
    if (fault !== null) return fault;
    link = link.cause;
  }
  return null;
}

function ownFault(error: Error & { code?: unknown; errno?: unknown; errcode?: unknown }): StorageFault | null {
  if (error instanceof SpoolFullError || error.errno === QUOTA_ERRNO) return 'full';
  // Extended codes of SQLite carry the plain one in their last byte.
  if (typeof error.errcode === 'number') return OF_SQLITE[error.errcode & 0xff] ?? null;
  return typeof error.code === 'string' && Object.hasOwn(OF_CODES, error.code) ? (OF_CODES[error.code] ?? null) : null;
}
