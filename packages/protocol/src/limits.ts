/** Hard limits of the Message Batches API and of the Messages API its requests are made of. */
export const LIMITS = {
  /** Requests in one batch. */
  batchRequests: 100_000,
  /** Bytes of one create body (256 MB). */
  batchBodyBytes: 256 * 1024 * 1024,
  /** Bytes of one Messages or count_tokens body, and so of one request's params (32 MB). */
  messageBodyBytes: 32 * 1024 * 1024,
  /** Characters of a custom_id. */
  customIdCharacters: 64,
  /** Messages in one request's params. */
  messagesPerRequest: 100_000,
  /** Blocks with cache_control in one request. */
  cacheBreakpoints: 4,
  /** Page size of list calls. */
  pageSizeDefault: 20,
  pageSizeMaximum: 1000,
} as const;

/** A batch expires exactly this long after it was created. */
export const BATCH_LIFETIME_MS = 24 * 60 * 60 * 1000;
/** Results are kept this long, counted from creation and not from the end. */
export const RESULTS_RETENTION_MS = 29 * 24 * 60 * 60 * 1000;
/** What a poll of an unfinished batch is told to wait, in seconds. */
export const POLL_RETRY_AFTER_SECONDS = 10;

export const CUSTOM_ID_PATTERN = '^[a-zA-Z0-9_-]{1,64}$';
