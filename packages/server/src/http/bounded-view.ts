import { Readable } from 'node:stream';

const HIGH_WATER_BYTES = 256 * 1024;

/** What a view is destroyed with when its source exceeds the limit. */
export class TooManyBytesError extends Error {
  override readonly name = 'TooManyBytesError';
}

/**
 * A view of another stream that counts its bytes and breaks off past a limit. Destroying the view lets go of the source
 * and leaves it paused: destroying an incoming request would destroy its socket, and with it the answer that says why.
 */
export class BoundedView extends Readable {
  bytes = 0;
  /** The source broke off by itself; for a request, the client went away. */
  sourceFailed = false;
  readonly #source: Readable;
  readonly #limitBytes: number;
  readonly #detach: () => void;

  constructor(source: Readable, limitBytes: number) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#source = source;
    this.#limitBytes = limitBytes;
    const onData = (chunk: Buffer): void => this.#take(chunk);
    const onError = (error: Error): void => {
      this.sourceFailed = true;
      this.destroy(error);
    };
    const onClose = (): void => onError(new Error('The body ended before it was complete.'));
    const onEnd = (): void => {
      // The view may still hold bytes for its reader when the source closes.
      source.off('close', onClose);
      this.push(null);
    };
    source.on('data', onData).once('end', onEnd).once('error', onError).once('close', onClose);
    this.#detach = () => source.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    // A source may still fail after it was let go of, and a view before anybody reads it; neither is anybody's crash.
    source.on('error', () => {});
    this.on('error', () => {});
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#detach();
    this.#source.pause();
    done(error);
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#limitBytes) this.destroy(new TooManyBytesError());
    else if (!this.push(chunk)) this.#source.pause();
  }
}
