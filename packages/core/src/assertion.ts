/** Thrown when something this code believes is not so: our own mistake, never a caller's and never the world's. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/** States a belief, in production too; the message is made only when it fails. */
export function assert(belief: boolean, message: () => string): asserts belief {
  if (!belief) throw new AssertionFailure(message());
}

/** Closes a switch over a union: a case that was added and forgotten does not compile. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`no case for ${JSON.stringify(value)}`);
}
