import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BatchId } from '@batchwright/protocol';
import type { Catalog } from '../catalog/catalog.ts';
import type { Log } from '../observe/log.ts';
import type { Activity } from '../runtime/activity.ts';
import type { Service } from '../runtime/service.ts';
import type { Spool } from '../spool/spool.ts';

const PAGE = 100;
/** Names looked up between two turns of the event loop: about a millisecond's worth. */
const SWEEP_SLICE = 100;

/**
 * Removes from the spool what the catalog no longer wants: segments of deleted batches, and at start-up those of
 * batches that never became one (a crash between the body's last byte and the catalog's commit). The catalog decides,
 * the spool follows, so that a crash in between only leaves work for the next run. So does a failure: it is logged, and
 * neither the caller who deleted a batch nor a server that starts is told of it.
 *
 * A start waits for the spool's list of names and not for the look at each: a hundred thousand took four seconds. What is
 * uploaded meanwhile is not in that list, and so in no danger.
 */
export class SegmentRemover implements Service {
  readonly name = 'segment remover';
  readonly #catalog: Catalog;
  readonly #spool: Spool;
  readonly #activity: Activity;
  readonly #log: Log;
  #sweeping: Promise<void> | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(catalog: Catalog, spool: Spool, activity: Activity, log: Log) {
    this.#catalog = catalog;
    this.#spool = spool;
    this.#activity = activity;
    this.#log = log;
  }

  /** Begins to remove what a former process left; resolves once that is known by name. Before anything is uploaded. */
  async run(): Promise<void> {
    this.#sweeping = this.#activity.track(this.#sweep(await this.#spool.list()));
  }

  /** Removes the segments of every batch deleted so far; never rejects. A call while one runs joins it. */
  runOnce(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#removeDeleted();
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#sweeping;
    await this.#running;
  }

  async #sweep(ids: readonly BatchId[]): Promise<void> {
    try {
      for (const [place, id] of ids.entries()) {
        if (this.#stopped) return;
        if (place % SWEEP_SLICE === SWEEP_SLICE - 1) await nextTurn();
        if (await this.#catalog.batches.exists(id)) continue;
        if (!(await this.#remove(id))) continue;
        this.#log.info({ batchId: id }, 'removed segments of a batch that was never accepted');
      }
      await this.runOnce();
    } catch (error) {
      this.#log.error({ err: error }, 'looking for segments of no batch failed; trying again at the next start');
    }
  }

  async #removeDeleted(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        if (await this.#removePage()) this.#again = true;
      }
    } catch (error) {
      this.#log.error({ err: error }, 'removing deleted batches failed; trying again at the next deletion or start');
    } finally {
      // In the same turn that found nothing left, or a call just after it would join a round that is over.
      this.#running = null;
    }
  }

  /** True when more may wait and this page made progress; what cannot be removed must not be tried without end. */
  async #removePage(): Promise<boolean> {
    const ids = await this.#catalog.batches.deletedBatches(PAGE);
    let removed = 0;
    for (const id of ids) {
      if (!(await this.#remove(id))) continue;
      await this.#catalog.batches.forgetSegments(id);
      removed++;
    }
    return ids.length === PAGE && removed > 0;
  }

  async #remove(id: BatchId): Promise<boolean> {
    try {
      await this.#spool.remove(id);
      return true;
    } catch (error) {
      this.#log.error({ err: error, batchId: id }, 'removing segments failed; trying again later');
      return false;
    }
  }
}
