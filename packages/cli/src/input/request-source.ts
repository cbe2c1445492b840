import type { RequestLine } from '@batchwright/client';

/** The requests of a run, made one by one of what the user named. */
export interface RequestSource {
  /** For people: the file's name, or `standard input`. */
  readonly name: string;
  /**
   * What must be the same for a run to be taken up: of a file its path, size and time of change; of a template what it is
   * made of. Standard input is `-`: once it was read to its end it is not read again.
   */
  readonly identity: Readonly<Record<string, string>>;
  /** Bytes of input, so far and in all; null: nobody knows. */
  readonly progress: { readonly readBytes: number; readonly totalBytes: number | null };
  /** From the first on; rejects with `BadRequestsError` at what cannot be read. Memory does not grow with the input. */
  requests(): AsyncIterable<RequestLine>;
}
