/** One request of a run: an object, or its line as it shall be sent. */
export type BulkRequest =
  | { readonly custom_id: string; readonly params: Readonly<Record<string, unknown>> }
  | RequestLine;

/** A request as UTF-8 JSON on one line, `{"custom_id":…,"params":{…}}`, which is sent byte for byte but for markers. */
export interface RequestLine {
  readonly line: Uint8Array;
  /** For people: where it came from, as `prompts.jsonl line 17`. */
  readonly origin: string;
}

/**
 * Requests that cannot be run, found before anything was sent: where, what is wrong and what helps, one line for each of
 * the first ten, and how many more there are.
 */
export class BadRequestsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BadRequestsError';
  }
}
