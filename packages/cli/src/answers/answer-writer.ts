/**
 * Where answers go. Whatever the format, what is written appears under its name with `finish`, whole and durable, or not
 * at all: it is made beside it under a name of its own. Memory does not grow with the number of answers.
 */
export interface AnswerWriter {
  /** Rejects with `OutputFailedError`; by then nothing is left behind. One at a time. */
  write(answer: Answer): Promise<void>;
  /** Makes the output appear under its name, durable. */
  finish(): Promise<void>;
  /** Leaves nothing behind. After `finish` it does nothing. */
  discard(): Promise<void>;
}

/** What became of one request; a `SettledResult` is one. */
export interface Answer {
  readonly customId: string;
  /** The line of the results file, as the server sent it, without its end. */
  readonly line: Uint8Array;
  /** Why a succeeded answer was not taken; null: it was, or nobody judged. */
  readonly rejection: string | null;
}
