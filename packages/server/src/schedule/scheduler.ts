import type { BatchRecord, RequestState, Timer } from '@batchwright/core';
import { microsecondsFromMs, type BatchId, type RequestCounts } from '@batchwright/protocol';
import type { Lease } from '../catalog/catalog.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Service } from '../runtime/service.ts';
import type { ResultRow } from '../spool/spool.ts';
import { BatchChanges, type ChangeListener } from './batch-changes.ts';
import { Retries } from './retries.ts';
import type { RunningBatch } from './running-batch.ts';
import { ShardClaims } from './shard-claims.ts';
import { ShardOpener, type ShardSources } from './shard-opener.ts';
import type { Shard, ShardEvents } from './shard.ts';

/**
 * Which shards this process works on, and the ends of their lives: it has them claimed and opened, cancels, expires and
 * ends them.
 *
 *     batchCreated / start ─▶ claim ─▶ open ─▶ dispatcher ─▶ finished ─▶ catalog.end
 *     cancelRequested ─▶ canceled rows, calls in flight get the grace, then are aborted
 *     expires_at      ─▶ expired rows (canceled ones if the batch was canceling), calls in flight aborted
 *
 * Every write to the catalog goes under the shard's lease; a lost lease drops the shard at once.
 */
export interface SchedulerOptions extends ShardSources {
  readonly node: string;
  readonly dispatcher: Dispatcher;
  readonly metrics: Metrics;
  readonly cancelGraceMs: number;
}

const PROGRESS_INTERVAL_MS = 1000;
/** Each checkpoint is a sync of the disk that holds the event loop: a thousand batches must not make a thousand a second. */
const PROGRESS_PER_SECOND = 20;
const RETRY_MS = 1000;

interface Running {
  readonly shard: Shard;
  expiry: Timer | null;
  grace: Timer | null;
  /** The counters as the catalog has them. */
  recorded: RequestCounts;
  progressDueMs: number;
  /** Under way from when every request is settled until the catalog knows. */
  ending: Promise<void> | null;
}

const COUNTERS = ['processing', 'succeeded', 'errored', 'canceled', 'expired'] as const;

export class Scheduler implements Service {
  readonly name = 'scheduler';
  readonly #options: SchedulerOptions;
  readonly #running = new Map<BatchId, Running>();
  readonly #claims: ShardClaims;
  readonly #changes = new BatchChanges();
  readonly #retries: Retries;
  /** Checkpoints on their way to the catalog, which must not be closed before they are there. */
  readonly #recording = new Set<Promise<void>>();
  #released = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#retries = new Retries(options.pace);
    this.#claims = new ShardClaims({
      ...options,
      opener: new ShardOpener(options, this.#events),
      openCount: () => this.#running.size,
      take: (shard, lease) => this.#take(shard, lease),
    });
  }

  /**
   * Takes up every batch that had not ended when the last process left, and goes on with new ones as they come. Resolves
   * when the former are open: until then their counters are those of the last checkpoint, and would seem to have gone back.
   */
  async run(): Promise<void> {
    await this.#options.catalog.shards.releaseAll(this.#options.node);
    await this.#claims.claim();
  }

  batchCreated(_batch: BatchRecord): void {
    void this.#claims.claim();
  }

  cancelRequested(batch: BatchRecord): void {
    this.#changes.tell(batch.id, 'moved');
    // The catalog has it, and the next process will heed it.
    if (this.#released || batch.status !== 'canceling') return;
    const running = this.#running.get(batch.id);
    if (running !== undefined) return this.#cancel(running, batch);
    this.#claims.claimCanceled(batch.id);
  }

  /** The batch's budget is another. */
  budgetChanged(batch: BatchRecord): void {
    this.#running.get(batch.id)?.shard.adoptBudget(batch);
  }

  /** Live counters of a batch that runs here, else null. */
  counts(id: BatchId): RequestCounts | null {
    return this.#running.get(id)?.shard.runningCounts ?? null;
  }

  /** How a batch that runs here stands, else null. */
  details(id: BatchId): RunningBatch | null {
    return this.#running.get(id)?.shard.details() ?? null;
  }

  /** Where a request of a batch that runs here stands, else null. */
  requestState(id: BatchId, request: number): RequestState | null {
    return this.#running.get(id)?.shard.state(request) ?? null;
  }

  /** Tells of every change to a batch, from now until the function given back is called. */
  listen(id: BatchId, listener: ChangeListener): () => void {
    return this.#changes.listen(id, listener);
  }

  /** Queued requests, of all batches, whose prefix is not warm. */
  get waitingForLeader(): number {
    let waiting = 0;
    for (const { shard } of this.#running.values()) waiting += shard.waitingForLeader;
    return waiting;
  }

  /** Batches whose next request does not fit under their budget. */
  get pausedByBudget(): number {
    let paused = 0;
    for (const { shard } of this.#running.values()) if (shard.isPausedByBudget) paused++;
    return paused;
  }

  /** Batches that could not be opened, and are tried again now and then. */
  get unopened(): number {
    return this.#claims.unopened;
  }

  /** How far the counters of running batches have gone beyond what the catalog has of them. */
  unrecordedCounts(): RequestCounts {
    const moved = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
    for (const { shard, recorded } of this.#running.values()) {
      const counts = shard.runningCounts;
      for (const name of COUNTERS) moved[name] += counts[name] - recorded[name];
    }
    return moved;
  }

  /** Hands out nothing more, gives back what is still in flight, writes what was answered, and frees the leases. */
  async stop(): Promise<void> {
    this.#retries.stop();
    await this.#claims.stop();
    this.#released = true;
    await Promise.all([...this.#running.values()].map((running) => this.#release(running)));
    await Promise.all(this.#recording);
  }

  /** No shard hands out anything from here on; calls in flight go on. First step of a graceful stop. */
  pause(): void {
    this.#claims.pause();
  }

  /** Takes over a shard that was opened. */
  async #take(shard: Shard, lease: Lease): Promise<void> {
    const { catalog, dispatcher } = this.#options;
    const { counts: recorded, workspaceId, id } = lease.batch;
    const progressDueMs = this.#progressDueMs();
    const running: Running = { shard, expiry: null, grace: null, recorded, progressDueMs, ending: null };
    this.#running.set(shard.id, running);
    try {
      // A cancel that came while the logs were being opened found nobody to tell; the catalog has it.
      const batch = (await catalog.batches.find(workspaceId, id)) ?? lease.batch;
      // One that came since then found the shard, and may have ended the batch already.
      if (this.#running.get(shard.id) !== running) return;
      if (shard.batch === lease.batch) shard.adopt(batch);
      // So did a budget, which says nothing of a cancel before it.
      else if (batch.status === 'canceling') shard.adopt({ ...batch, options: shard.batch.options });
      dispatcher.add(shard);
      this.#begin(running);
    } catch (error) {
      if (this.#running.get(shard.id) !== running) return;
      this.#drop(shard);
      throw error;
    }
  }

  #begin(running: Running): void {
    const { shard } = running;
    if (shard.isFinished) return this.#finish(running);
    if (shard.batch.status === 'canceling') this.#cancel(running, shard.batch);
    const { clock } = this.#options;
    const waitMs = shard.batch.expiresAtUs / 1000 - clock.now();
    // A batch that expired while nobody worked on it sends nothing more, not even in the turn before a timer fires.
    if (waitMs <= 0) return this.#expire(running);
    running.expiry = clock.after(waitMs, () => this.#expire(running));
    shard.refresh();
  }

  #cancel(running: Running, batch: BatchRecord): void {
    const { shard } = running;
    const { clock, dispatcher, cancelGraceMs } = this.#options;
    shard.adopt(batch);
    if (running.grace !== null) return;
    running.grace = clock.after(cancelGraceMs, () => dispatcher.abort(shard, 'canceled'));
    dispatcher.abortUnsent(shard, 'canceled');
    this.#closeUnstarted(running, 'canceled');
  }

  #expire(running: Running): void {
    const { shard } = running;
    const type = shard.batch.status === 'canceling' ? 'canceled' : 'expired';
    this.#options.dispatcher.abort(shard, type);
    this.#closeUnstarted(running, type);
  }

  #closeUnstarted(running: Running, type: 'canceled' | 'expired'): void {
    void this.#options.activity.track(running.shard.closeUnstarted(type));
  }

  readonly #events: ShardEvents = {
    onReadiness: (shard, ready) => this.#options.dispatcher.setReady(shard, ready),
    onSettled: (shard, rows, syncSeconds, costNanoUsd) => {
      this.#options.metrics.synced(syncSeconds);
      this.#options.metrics.cost(costNanoUsd);
      this.#options.metrics.resultsWritten(totalBytes(rows));
      const running = this.#running.get(shard.id);
      if (running !== undefined) this.#recordProgress(running);
      this.#changes.tell(shard.id, 'moved');
      this.#options.log.trace({ batchId: shard.id, count: rows.length }, 'results durable');
    },
    onFinished: (shard) => {
      const running = this.#running.get(shard.id);
      if (running !== undefined) this.#finish(running);
    },
    onBudgetReached: (shard) =>
      this.#options.log.warn({ batchId: shard.id }, 'the budget admits no further request; raise it to go on'),
    onBlocked: (shard, cause, retryMs) =>
      this.#options.log.error(
        { err: cause, batchId: shard.id, delayMs: retryMs },
        'writing results failed; nothing is lost, trying again',
      ),
    onLost: (shard) => this.#drop(shard),
  };

  /** The catalog learns counters and ledger at most once a second, and less often the more batches run. */
  #recordProgress(running: Running): void {
    const { pace, catalog, activity, log } = this.#options;
    if (pace.now() < running.progressDueMs || running.ending !== null) return;
    running.progressDueMs = this.#progressDueMs();
    const { shard } = running;
    const counts = shard.runningCounts;
    const recording = activity
      .track(catalog.shards.recordProgress(shard.lease, counts, shard.bills))
      .then((outcome) => {
        if (outcome === 'lost') this.#drop(shard);
        else running.recorded = counts;
      })
      .catch((error: unknown) => log.warn({ err: error, batchId: shard.id }, 'recording progress failed'))
      .finally(() => this.#recording.delete(recording));
    this.#recording.add(recording);
  }

  /** Never at once: most small batches end before it is due, and what ends is recorded whole. */
  #progressDueMs(): number {
    const allMs = (this.#running.size / PROGRESS_PER_SECOND) * 1000;
    return this.#options.pace.now() + Math.max(PROGRESS_INTERVAL_MS, allMs);
  }

  #finish(running: Running): void {
    if (running.ending !== null || this.#running.get(running.shard.id) !== running) return;
    running.ending = this.#options.activity.track(this.#end(running));
  }

  async #end(running: Running): Promise<void> {
    const { catalog, clock, log } = this.#options;
    const { shard } = running;
    try {
      await catalog.shards.end(shard.lease, shard.finalCounts, microsecondsFromMs(clock.now()), shard.bills);
      this.#changes.tell(shard.id, 'ended');
      log.info({ batchId: shard.id, count: shard.batch.requestCount }, 'batch ended');
      this.#drop(shard);
      void this.#claims.claim();
    } catch (error) {
      log.error({ err: error, batchId: shard.id }, 'ending a batch failed; trying again in a second');
      running.ending = null;
      this.#retries.after(RETRY_MS, () => this.#finish(running));
    }
  }

  /** Lets go of a shard that ended or was lost. */
  #drop(shard: Shard): void {
    const running = this.#running.get(shard.id);
    if (running === undefined) return;
    this.#running.delete(shard.id);
    running.expiry?.cancel();
    running.grace?.cancel();
    // First: what is called back must not be settled by a shard that is no longer ours.
    shard.giveUp();
    this.#options.dispatcher.recall(shard);
    this.#options.dispatcher.remove(shard);
    void this.#options.activity.track(this.#close(shard));
  }

  async #close(shard: Shard): Promise<void> {
    try {
      await shard.close();
    } catch (error) {
      this.#options.log.error({ err: error, batchId: shard.id }, 'closing a batch failed');
    }
  }

  async #release(running: Running): Promise<void> {
    const { shard } = running;
    const { catalog, dispatcher, log } = this.#options;
    running.expiry?.cancel();
    running.grace?.cancel();
    shard.giveUp();
    dispatcher.recall(shard);
    dispatcher.remove(shard);
    await this.#close(shard);
    // The catalog is closed next, and what is on its way to it would be lost.
    if (running.ending !== null) return running.ending;
    try {
      await catalog.shards.recordProgress(shard.lease, shard.runningCounts, shard.bills);
      await catalog.shards.release(shard.lease);
    } catch (error) {
      // A full disk, most likely. The results log has the truth and the next start frees every lease of this node.
      log.warn({ err: error, batchId: shard.id }, 'recording progress failed');
    }
  }
}

function totalBytes(rows: readonly ResultRow[]): number {
  let bytes = 0;
  for (const row of rows) bytes += row.lineBytes;
  return bytes;
}
