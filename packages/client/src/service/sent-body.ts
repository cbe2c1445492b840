import { assert } from '@batchwright/core';
import type { BatchBody } from './batch-service.ts';

/**
 * A create body on its way. It knows whether the last byte was handed out: until then no server can have made a batch of
 * it, whatever became of the connection.
 */
export class SentBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #bytes: number;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #handedBytes = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(body: BatchBody) {
    this.#bytes = body.bytes;
    this.#pieces = body.pieces()[Symbol.asyncIterator]();
    // Nothing is taken ahead of the connection. Node's fetch holds what it was given until the call is over all the same:
    // it doubles the stream for the sake of a redirect, unless redirects are errors.
    this.stream = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.close() },
      { highWaterMark: 0 },
    );
  }

  /** Whether all of it was handed out, and so may have arrived. */
  get isWhole(): boolean {
    return this.#handedBytes === this.#bytes;
  }

  /** Why the body could not be made; null: it could, as far as it was asked for. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const next = await this.#pieces.next();
      if (next.done === true) {
        assert(this.isWhole, () => `a body of ${this.#bytes} bytes ended after ${this.#handedBytes}`);
        controller.close();
        return;
      }
      const { value } = next;
      const handedBytes = this.#handedBytes + value.byteLength;
      assert(handedBytes <= this.#bytes, () => `a body of ${this.#bytes} bytes goes on beyond them`);
      controller.enqueue(value);
      this.#handedBytes = handedBytes;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Lets go of what the body is made from, where the connection did not ask for all of it. */
  async close(): Promise<void> {
    if (this.#failure === null) await this.#pieces.return?.();
  }
}
