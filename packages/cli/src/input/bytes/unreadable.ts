import { BadRequestsError } from '@batchwright/client';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it. Change its permissions, or name another',
  EPERM: 'this user may not read it. Change its permissions, or name another',
  EISDIR: 'it is a directory. Name a file in it',
  ENAMETOOLONG: 'no file can have a name that long',
  ERR_INVALID_ARG_VALUE: 'no file can have such a name',
};

/** What to say of a file that cannot be opened: the user's mistake where it may be one, else the world failing. */
export function unreadable(name: string, error: unknown, cwd: string): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const reason = REASONS[code];
  if (reason === undefined) return new Error(`Opening ${name} failed: ${message}`, { cause: error });
  const remedy = reason.startsWith('there is no') ? `. Paths are taken from ${cwd}` : '';
  return new BadRequestsError(`${name}: ${reason}${remedy}.`, { cause: error });
}
