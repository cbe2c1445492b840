import type { BatchId } from '@batchwright/protocol';

/** `ended` comes once the catalog has it, and after everything else. */
export type BatchChange = 'moved' | 'ended';

/** Called at once, in the middle of whatever changed the batch: it must not throw, and only note the news. */
export type ChangeListener = (change: BatchChange) => void;

/** Who wants to hear that something about a batch has changed. */
export class BatchChanges {
  readonly #listeners = new Map<BatchId, Set<ChangeListener>>();

  /** Listens until the function given back is called. */
  listen(id: BatchId, listener: ChangeListener): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#listeners.delete(id);
    };
  }

  tell(id: BatchId, change: BatchChange): void {
    for (const listener of this.#listeners.get(id) ?? []) listener(change);
  }
}
