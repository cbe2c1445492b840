import type { BatchId } from '@batchwright/protocol';
import type { ServerResponse } from 'node:http';
import type { HttpServices } from './services.ts';

type Sources = Pick<HttpServices, 'pace' | 'progress'>;

/**
 * The calls that stay open to hear of a batch: event streams, and polls that wait. There is a bound to them, and the
 * server's closing ends them all, or they would outlast it.
 */
export class Watches {
  readonly #sources: Sources;
  readonly #limit: number;
  readonly #open = new Set<Watch>();
  #isClosed = false;

  constructor(sources: Sources, limit: number) {
    this.#sources = sources;
    this.#limit = limit;
  }

  /** Begins to watch a batch on behalf of a response; null when too many do. */
  open(id: BatchId, response: ServerResponse): Watch | null {
    if (this.#open.size >= this.#limit) return null;
    const watch = new Watch(this.#sources, id, response, () => this.#open.delete(watch));
    this.#open.add(watch);
    if (this.#isClosed) watch.end();
    return watch;
  }

  /** Ends every watch, and each that comes later at once. */
  close(): void {
    this.#isClosed = true;
    for (const watch of this.#open) watch.end();
  }
}

/** One call's watch of a batch. News that nobody waits for is kept, as one, until it is taken. */
export class Watch {
  /** The client has gone, or the server closes. */
  isOver = false;
  readonly #pace: HttpServices['pace'];
  readonly #release: () => void;
  #hasNews = false;
  #hasEnded = false;
  #wake: (() => void) | null = null;

  constructor({ pace, progress }: Sources, id: BatchId, response: ServerResponse, onClose: () => void) {
    this.#pace = pace;
    const stopListening = progress.listen(id, (change) => {
      this.#hasNews = true;
      if (change === 'ended') this.#hasEnded = true;
      this.#wake?.();
    });
    const leave = (): void => this.end();
    response.once('close', leave);
    if (response.destroyed) this.isOver = true;
    this.#release = () => {
      stopListening();
      response.off('close', leave);
      onClose();
    };
  }

  /** Whether anything has changed since this was last asked. */
  takeNews(): boolean {
    const hadNews = this.#hasNews;
    this.#hasNews = false;
    return hadNews;
  }

  /** Waits until the batch changes (`news`) or has ended (`end`), the watch is over, or `ms` of real time have passed. */
  async wait(ms: number, until: 'news' | 'end'): Promise<void> {
    const isDue = (): boolean => this.isOver || (this.#hasNews && (until === 'news' || this.#hasEnded));
    if (isDue() || ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#pace.after(ms, resolve);
      this.#wake = () => {
        if (!isDue()) return;
        timer.cancel();
        resolve();
      };
    });
    this.#wake = null;
  }

  end(): void {
    this.isOver = true;
    this.#wake?.();
  }

  /** No more is heard. */
  close(): void {
    this.isOver = true;
    this.#release();
  }
}
