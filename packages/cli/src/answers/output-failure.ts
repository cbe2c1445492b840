import { errorCode } from '@batchwright/client/node';

/** The output could not be written; nothing of it is left. The message is one line, for people. */
export class OutputFailedError extends Error {
  override readonly name = 'OutputFailedError';
  /** Whoever read standard output has gone, as `head` does: nobody is left to write for. */
  readonly isReaderGone: boolean;

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.isReaderGone = errorCode(cause) === 'EPIPE';
  }
}

/** A failure in terms of the output that was being written. */
export function outputFailure(name: string, error: unknown): OutputFailedError {
  if (error instanceof OutputFailedError) return error;
  const code = errorCode(error);
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 'EPIPE') return new OutputFailedError(`whoever read ${name} stopped before its end.`, error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || /database or disk is full/.test(reason)) {
    return new OutputFailedError(
      `the disk is too full for ${name}. Make room, then run the same command again.`,
      error,
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new OutputFailedError(
      `${name} may not be written (${code}). Change its permissions, or write elsewhere.`,
      error,
    );
  }
  return new OutputFailedError(`${name} could not be written: ${reason}`, error);
}
