/** An output that cannot be: what is wrong and what helps, in one line. */
export class BadOutputError extends Error {
  override readonly name = 'BadOutputError';
}
