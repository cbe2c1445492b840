/** Where answers go, in one of the formats. What is written appears whole with `finish`, or not at all. */
export interface AnswerWriter {
  write(answer: Answer): Promise<void>;
  /** Makes the output appear under its name, durable. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/** What became of one request. */
export interface Answer {
  readonly customId: string;
  /** The line of the results file, as the server sent it, without its end. */
  readonly line: Uint8Array;
}
