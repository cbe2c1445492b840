import type { Catalog } from '../catalog/catalog.ts';
import type { Log } from '../observe/log.ts';
import type { Service } from '../runtime/service.ts';
import type { Spool } from '../spool/spool.ts';

const PAGE = 100;

/**
 * Removes from the spool what the catalog no longer wants: segments of deleted batches, and at start-up those of
 * batches that never became one (a crash between the body's last byte and the catalog's commit). The catalog decides,
 * the spool follows, so that a crash in between only leaves work for the next run.
 */
export class SegmentRemover implements Service {
  readonly name = 'segment remover';
  readonly #catalog: Catalog;
  readonly #spool: Spool;
  readonly #log: Log;
  #running: Promise<void> | null = null;

  constructor(catalog: Catalog, spool: Spool, log: Log) {
    this.#catalog = catalog;
    this.#spool = spool;
    this.#log = log;
  }

  async run(): Promise<void> {
    for (const id of await this.#spool.list()) {
      if (await this.#catalog.batches.exists(id)) continue;
      await this.#spool.remove(id);
      this.#log.info({ batchId: id }, 'removed segments of a batch that was never accepted');
    }
    await this.runOnce();
  }

  /** Removes the segments of every batch deleted so far. A call while one runs joins it. */
  runOnce(): Promise<void> {
    this.#running ??= this.#removeDeleted().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    await this.#running;
  }

  async #removeDeleted(): Promise<void> {
    for (;;) {
      const ids = await this.#catalog.batches.deletedBatches(PAGE);
      for (const id of ids) {
        await this.#spool.remove(id);
        await this.#catalog.batches.forgetSegments(id);
      }
      if (ids.length < PAGE) return;
    }
  }
}
