import type { Clock } from '@batchwright/core';

/** Tells those who wait that something changed; what they look at they see for themselves. */
export class News {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  /** How often there was some. */
  get count(): number {
    return this.#count;
  }

  tell(): void {
    this.#count += 1;
    for (const resume of [...this.#waiting]) resume();
  }

  /** Resolves when there was news after the first `seen`; rejects when aborted. */
  after(seen: number, signal: AbortSignal): Promise<void> {
    return waitFor(signal, (resume) => {
      if (this.#count > seen) {
        resume();
        return () => undefined;
      }
      this.#waiting.add(resume);
      return () => this.#waiting.delete(resume);
    });
  }
}

/** Waits for some time; rejects when aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return waitFor(signal, (resume) => {
    const timer = clock.after(ms, resume);
    return () => timer.cancel();
  });
}

/** Waits until `begin`'s resume is called, or rejects with the signal's reason; either way what was begun is ended. */
function waitFor(signal: AbortSignal, begin: (resume: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reasonOf(signal));
      return;
    }
    let end: (() => void) | null = null;
    const settle = (done: () => void): void => {
      signal.removeEventListener('abort', abort);
      end?.();
      done();
    };
    const abort = (): void => settle(() => reject(reasonOf(signal)));
    signal.addEventListener('abort', abort);
    end = begin(() => settle(resolve));
  });
}

/** Why a signal was aborted, as an error. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
