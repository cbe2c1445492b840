/** Longest answer taken, whole or put together from a stream; a model's longest output is a few megabytes. */
export const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;
