import type { Clock, Timer } from '@batchwright/core';
import { microsecondsFromMs, RESULTS_RETENTION_MS, type BatchId, type MicrosecondsUtc } from '@batchwright/protocol';
import type { Catalog } from '../catalog/catalog.ts';
import type { Log } from '../observe/log.ts';
import type { Activity } from '../runtime/activity.ts';
import type { Service } from '../runtime/service.ts';
import type { Spool } from '../spool/spool.ts';

const PAGE = 100;
const RETRY_MS = 60_000;
const SHORTEST_SLEEP_MS = 1000;
/** Longest sleep: a timer of 29 days would overflow `setTimeout`, and a stepped system clock should be noticed. */
const LONGEST_SLEEP_MS = 24 * 60 * 60 * 1000;

/** Archives batches 29 days after their creation: the object stays, requests and results go. */
export class Archivist implements Service {
  readonly name = 'archivist';
  readonly #catalog: Catalog;
  readonly #spool: Spool;
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #log: Log;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(catalog: Catalog, spool: Spool, clock: Clock, activity: Activity, log: Log) {
    this.#catalog = catalog;
    this.#spool = spool;
    this.#clock = clock;
    this.#activity = activity;
    this.#log = log;
  }

  run(): Promise<void> {
    this.#running ??= this.#activity.track(this.#round()).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /**
   * Archives everything that is due now; answers when the oldest of the others was created, or null when none waits. One
   * that cannot be archived holds up none.
   */
  async runOnce(): Promise<MicrosecondsUtc | null> {
    for (;;) {
      const dueBeforeUs = microsecondsFromMs(this.#clock.now() - RESULTS_RETENTION_MS);
      const ids = await this.#catalog.batches.dueForArchive(dueBeforeUs, PAGE);
      let archived = 0;
      for (const id of ids) if (await this.#archive(id)) archived++;
      if (ids.length < PAGE || archived === 0) return this.#catalog.batches.oldestUnarchived();
    }
  }

  async #archive(id: BatchId): Promise<boolean> {
    try {
      // The catalog last: it names a batch until its files are gone, whatever fails or dies in between.
      await this.#spool.remove(id);
      await this.#catalog.batches.archive(id, microsecondsFromMs(this.#clock.now()));
      return true;
    } catch (error) {
      this.#log.error({ err: error, batchId: id }, 'archiving a batch failed; trying again in a minute');
      return false;
    }
  }

  async #round(): Promise<void> {
    let sleepMs = RETRY_MS;
    try {
      sleepMs = this.#untilDueMs(await this.runOnce());
    } catch (error) {
      this.#log.error({ err: error }, 'archiving failed; trying again in a minute');
    }
    if (!this.#stopped) this.#timer = this.#clock.after(sleepMs, () => void this.run());
  }

  /** A batch that is due still could not be archived, or has not ended: looking for it every second would help nobody. */
  #untilDueMs(oldestUs: MicrosecondsUtc | null): number {
    if (oldestUs === null) return LONGEST_SLEEP_MS;
    const waitMs = oldestUs / 1000 + RESULTS_RETENTION_MS - this.#clock.now();
    if (waitMs <= 0) return RETRY_MS;
    return Math.min(Math.max(waitMs, SHORTEST_SLEEP_MS), LONGEST_SLEEP_MS);
  }
}
