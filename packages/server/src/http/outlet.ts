import type { ServerResponse } from 'node:http';

/** Where bytes come from: a log, or a body. Answers how many were read, 0 only at the end. */
export interface ByteSource {
  read(target: Uint8Array, position: number): Promise<number>;
}

/** Measured best on a 1 GB file: smaller costs calls, larger leaves the processor's cache. */
const BUFFER_BYTES = 1024 * 1024;

/** A response as it is written chunk by chunk; it notices at once when the client has gone. */
export class Outlet {
  /** Bytes that the kernel has taken. */
  sent = 0;
  readonly #response: ServerResponse;
  #settle: ((isSent: boolean) => void) | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
    // A write's own callback is not always called when the socket dies, and a download must not wait for it then.
    response.once('close', () => this.#settle?.(false));
  }

  /** Resolves once the chunk's memory may be reused: true when it is in the kernel's hands, false when nobody reads. */
  async write(chunk: Uint8Array | string): Promise<boolean> {
    if (this.#response.destroyed) return false;
    const isSent = await new Promise<boolean>((resolve) => {
      this.#settle = resolve;
      this.#response.write(chunk, (error) => resolve(error === null || error === undefined));
    });
    if (isSent) this.sent += Buffer.byteLength(chunk);
    return isSent;
  }

  /**
   * Writes the source's bytes `from` up to `to`. Two buffers, used in turn: while one is on its way to the socket, the
   * next part is read into the other. No more than these is ever held, however slowly the client reads. False when
   * nobody reads any more.
   *
   *     read A │ read B │ read A │
   *            │ send A │ send B │ send A
   */
  async pump(source: ByteSource, from: number, to: number): Promise<boolean> {
    const size = Math.min(BUFFER_BYTES, to - from);
    let filling = new Uint8Array(size);
    let sending = new Uint8Array(size);
    let inFlight: Promise<boolean> | null = null;
    for (let position = from; position < to;) {
      const read = await source.read(filling.subarray(0, Math.min(size, to - position)), position);
      if (read === 0) throw new Error(`The bytes ended at ${position}, before ${to}.`);
      position += read;
      if (inFlight !== null && !(await inFlight)) return false;
      [filling, sending] = [sending, filling];
      inFlight = this.write(sending.subarray(0, read));
    }
    return inFlight === null || inFlight;
  }
}
