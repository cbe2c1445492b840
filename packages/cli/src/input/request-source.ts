import type { RequestLine } from '@batchwright/client';
import type { JsonObject } from '@batchwright/core';
import type { Tell } from './input-note.ts';

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
  /** What `--schema` says every answer must be; null: there is none. */
  readonly schema: JsonObject | null;
  /**
   * From the first on, again at every call but for what is piped in; rejects with `BadRequestsError` at what cannot be
   * read, up to ten faults with a line each. Memory does not grow with the input. `tell` hears of what is no fault.
   */
  requests(tell?: Tell): AsyncIterable<RequestLine>;
}
