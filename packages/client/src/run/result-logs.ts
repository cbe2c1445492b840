import type { ByteLog, RunStore } from '../store/run-store.ts';
import type { ResultPlace } from './request-table.ts';

/** Logs held open at once; a run may have thousands of batches, and a process not that many files. */
const MOST_OPEN = 24;
/** Results are mostly read in the order they came, so what lies behind one is read with it. */
const BLOCK_BYTES = 64 * 1024;

interface OpenLog {
  readonly opened: Promise<ByteLog>;
  users: number;
  block: { readonly offset: number; readonly bytes: Uint8Array } | null;
}

/** The `results-N` logs of a run, opened as they are needed. */
export class ResultLogs {
  readonly #store: RunStore;
  /** The one used last is the last. */
  readonly #open = new Map<number, OpenLog>();
  #closing: Promise<void> = Promise.resolve();

  constructor(store: RunStore) {
    this.#store = store;
  }

  /** Opens a batch's log while `action` uses it. */
  async use<Value>(batch: number, action: (log: ByteLog) => Promise<Value>): Promise<Value> {
    return this.#hold(batch, async ({ opened }) => action(await opened));
  }

  /** Cuts a log down to nothing, to begin anew. */
  async empty(batch: number): Promise<void> {
    await this.#hold(batch, async (open) => {
      open.block = null;
      await (await open.opened).truncate(0);
    });
  }

  async read({ batch, offset, bytes }: ResultPlace): Promise<Uint8Array> {
    return this.#hold(batch, async (open) => {
      const start = open.block === null ? -1 : offset - open.block.offset;
      if (open.block !== null && start >= 0 && start + bytes <= open.block.bytes.length) {
        return open.block.bytes.slice(start, start + bytes);
      }
      const log = await open.opened;
      const block = await log.read(offset, Math.min(log.size - offset, Math.max(bytes, BLOCK_BYTES)));
      open.block = { offset, bytes: block };
      return block.slice(0, bytes);
    });
  }

  /** Nobody may use a log any more. */
  async close(): Promise<void> {
    for (const [batch, open] of this.#open) await this.#close(batch, open);
  }

  async #hold<Value>(batch: number, action: (open: OpenLog) => Promise<Value>): Promise<Value> {
    const open = this.#open.get(batch) ?? this.#openLog(batch);
    this.#open.delete(batch);
    this.#open.set(batch, open);
    open.users += 1;
    try {
      return await action(open);
    } finally {
      open.users -= 1;
      await this.#closeIdle();
    }
  }

  #openLog(batch: number): OpenLog {
    // One that is being closed must be closed before it is opened again.
    const opened = this.#closing.then(() => this.#store.openLog(`results-${batch}`));
    opened.catch(() => this.#open.delete(batch));
    return { opened, users: 0, block: null };
  }

  async #closeIdle(): Promise<void> {
    for (const [batch, open] of this.#open) {
      if (this.#open.size <= MOST_OPEN) return;
      if (open.users === 0) await this.#close(batch, open);
    }
  }

  async #close(batch: number, open: OpenLog): Promise<void> {
    this.#open.delete(batch);
    const closed = this.#closing.then(async () => (await open.opened).close());
    this.#closing = closed.catch(() => undefined);
    await closed;
  }
}
