import type { SqliteDatabase } from './driver.ts';
import { inTransaction } from './transaction.ts';

/**
 * Writes of one transaction. A write takes some tens of microseconds and its share of the pages, a commit a sync: more
 * than these would hold the event loop for the former longer than for the latter.
 */
const MOST_WRITES = 32;

interface Write {
  run(): void;
  committed(): void;
  failed(error: unknown): void;
}

/**
 * The writes of one turn of the event loop share a transaction, and with it one sync of the disk; they run in the order
 * in which they were asked for, and each sees those before it.
 *
 * Invariant: a write resolves once it is committed, and what becomes of one is no concern of another. Where one of them
 * fails nothing of their transaction is kept, and each is done again by itself.
 */
export class SharedCommit {
  readonly #database: SqliteDatabase;
  #waiting: Write[] = [];

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** `work` must not wait for anything, and leaves nothing behind but what it writes: it may be done twice. */
  write<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: { readonly value: Result } | null = null;
      this.#waiting.push({
        run: () => (result = { value: work() }),
        committed: () => resolve((result as { readonly value: Result }).value),
        failed: reject,
      });
      if (this.#waiting.length === 1) this.#commitAfterTurn();
    });
  }

  /** Commits what still waits, at once: the database is closed next. */
  flush(): void {
    while (this.#waiting.length > 0) this.#commit(this.#waiting.splice(0, MOST_WRITES));
  }

  #commitAfterTurn(): void {
    setImmediate(() => {
      if (this.#waiting.length > 0) this.#commit(this.#waiting.splice(0, MOST_WRITES));
      if (this.#waiting.length > 0) this.#commitAfterTurn();
    });
  }

  #commit(writes: readonly Write[]): void {
    let isBegun = false;
    try {
      inTransaction(this.#database, () => {
        isBegun = true;
        for (const write of writes) write.run();
      });
    } catch (error) {
      // Nobody could write who could not begin: another process has had the lock for seconds.
      if (!isBegun || writes.length === 1) for (const write of writes) write.failed(error);
      else for (const write of writes) this.#commit([write]);
      return;
    }
    for (const write of writes) write.committed();
  }
}
