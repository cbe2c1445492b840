import type { UpstreamEvents } from './upstream.ts';

/**
 * Passes an exchange on, with the key that it was made with blotted out of what the upstream says of an error: careless
 * services repeat it there, and clients are told what the upstream says. An answer is nobody's to change, and is left.
 *
 * Invariant: every body keeps its length.
 */
export class KeyConcealer implements UpstreamEvents {
  readonly #events: UpstreamEvents;
  readonly #key: Buffer;
  #isError = false;
  /** The end of what came, where it may be the beginning of the key. */
  #held: Buffer = NOTHING;

  constructor(events: UpstreamEvents, key: Buffer) {
    this.#events = events;
    this.#key = key;
  }

  onHead(...head: Parameters<UpstreamEvents['onHead']>): void {
    const [status] = head;
    this.#isError = status >= 400;
    this.#events.onHead(...head);
  }

  onData(chunk: Uint8Array, isLast?: boolean): void {
    if (!this.#isError) return this.#events.onData(chunk, isLast);
    const bytes = Buffer.concat([this.#held, chunk]);
    for (let at = bytes.indexOf(this.#key); at >= 0; at = bytes.indexOf(this.#key, at)) {
      bytes.fill(BLOT, at, at + this.#key.length);
    }
    const told = bytes.length - beginningAtEnd(bytes, this.#key);
    this.#held = bytes.subarray(told);
    if (told > 0) this.#events.onData(bytes.subarray(0, told));
  }

  onEnd(): void {
    if (this.#held.length > 0) this.#events.onData(this.#held);
    this.#events.onEnd();
  }

  onFailure(reason: string, timeout: boolean): void {
    this.#events.onFailure(reason, timeout);
  }
}

/** Whether a key can be told from a word that errors have: a local server is often given `none`, or `dummy`. */
export function isWorthConcealing(key: string): boolean {
  return key.length >= 12;
}

const NOTHING = Buffer.alloc(0);
const BLOT = '*'.charCodeAt(0);

/** How many bytes at the end of `bytes` are the beginning of `key`, and not all of it. */
function beginningAtEnd(bytes: Buffer, key: Buffer): number {
  for (let length = Math.min(key.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(key.subarray(0, length))) return length;
  }
  return 0;
}
