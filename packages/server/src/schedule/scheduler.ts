import type { BatchRecord, RequestState, Timer } from '@batchwright/core';
import { microsecondsFromMs, type BatchId, type RequestCounts } from '@batchwright/protocol';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Service } from '../runtime/service.ts';
import type { ResultRow } from '../spool/spool.ts';
import { BatchChanges, type ChangeListener } from './batch-changes.ts';
import { firstOpening, nextOpening, type Opening } from './opening.ts';
import type { RunningBatch } from './running-batch.ts';
import { ShardOpener, type ShardSources } from './shard-opener.ts';
import type { Shard, ShardEvents } from './shard.ts';

/**
 * Which shards this process works on, and the ends of their lives: it claims, opens, cancels, expires and ends them.
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

/** Shards open at once: each holds three file handles and its index in memory. */
const OPEN_SHARDS_LIMIT = 1000;
/** Embedded, the data directory's lock makes this process the only owner: a lease outlives any batch. */
const LEASE_MS = 30 * 24 * 60 * 60 * 1000;
const PROGRESS_INTERVAL_MS = 1000;
/** Each checkpoint is a sync of the disk that holds the event loop: a thousand batches must not make a thousand a second. */
const PROGRESS_PER_SECOND = 20;
const RETRY_MS = 1000;
/** Batches that cannot be opened take no place from others, up to as many as may be open. */
const HELD_SHARDS_LIMIT = 2 * OPEN_SHARDS_LIMIT;
/** Batches whose files are read while one before them is taken up: at a start, disk and processor work side by side. */
const OPEN_AHEAD = 4;

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

/** The shard of an opening, on its way. */
interface Ahead {
  readonly opening: Opening;
  readonly shard: Promise<Shard>;
}

const COUNTERS = ['processing', 'succeeded', 'errored', 'canceled', 'expired'] as const;

export class Scheduler implements Service {
  readonly name = 'scheduler';
  readonly #options: SchedulerOptions;
  readonly #running = new Map<BatchId, Running>();
  readonly #opener: ShardOpener;
  readonly #changes = new BatchChanges();
  /** Batches canceled before their turn came. */
  readonly #canceled = new Set<BatchId>();
  /** Leases held for batches to be opened next, whether for the first time or again. */
  readonly #toOpen: Opening[] = [];
  /** Leases held for batches whose opening failed and whose wait is not over. */
  #waitingCount = 0;
  /** What waits to be tried again; a stop calls it off. */
  readonly #retries = new Set<Timer>();
  /** Checkpoints on their way to the catalog, which must not be closed before they are there. */
  readonly #recording = new Set<Promise<void>>();
  #claiming: Promise<void> | null = null;
  #claimAgain = false;
  #stopped = false;
  #released = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#opener = new ShardOpener(options, this.#events);
  }

  /**
   * Takes up every batch that had not ended when the last process left, and goes on with new ones as they come. Resolves
   * when the former are open: until then their counters are those of the last checkpoint, and would seem to have gone back.
   */
  async run(): Promise<void> {
    await this.#options.catalog.shards.releaseAll(this.#options.node);
    await this.#claim();
  }

  batchCreated(_batch: BatchRecord): void {
    void this.#claim();
  }

  cancelRequested(batch: BatchRecord): void {
    this.#changes.tell(batch.id, 'moved');
    // The catalog has it, and the next process will heed it.
    if (this.#released || batch.status !== 'canceling') return;
    const running = this.#running.get(batch.id);
    if (running !== undefined) return this.#cancel(running, batch);
    this.#canceled.add(batch.id);
    void this.#claim();
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
    return this.#waitingCount;
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
    this.#stopped = true;
    for (const timer of this.#retries) timer.cancel();
    await this.#claiming;
    this.#released = true;
    await Promise.all([...this.#running.values()].map((running) => this.#release(running)));
    await Promise.all(this.#recording);
  }

  /** No shard hands out anything from here on; calls in flight go on. First step of a graceful stop. */
  pause(): void {
    this.#stopped = true;
  }

  #claim(): Promise<void> {
    if (this.#claiming !== null) {
      this.#claimAgain = true;
      return this.#claiming;
    }
    this.#claiming = this.#options.activity.track(this.#claimAll()).finally(() => {
      this.#claiming = null;
      if (this.#claimAgain) void this.#claim();
    });
    return this.#claiming;
  }

  async #claimAll(): Promise<void> {
    this.#claimAgain = false;
    const { log } = this.#options;
    if (this.#stopped) return;
    try {
      await this.#claimCanceled();
      const room = Math.min(this.#room, HELD_SHARDS_LIMIT - OPEN_SHARDS_LIMIT + this.#room - this.#waitingCount);
      if (room > 0) await this.#claimUpTo(room);
      await this.#openAll();
    } catch (error) {
      log.error({ err: error }, 'claiming batches failed; trying again in a second');
      this.#retry(RETRY_MS, () => void this.#claim());
    }
  }

  /** Whether or not there is room: what is canceled has nothing to wait for, and is gone in a moment. */
  async #claimCanceled(): Promise<void> {
    for (const id of this.#canceled) {
      await this.#claimUpTo(1, id);
      this.#canceled.delete(id);
    }
  }

  async #claimUpTo(limit: number, only?: BatchId): Promise<void> {
    const { catalog, clock, node } = this.#options;
    const leases = await catalog.shards.claim(node, microsecondsFromMs(clock.now()), LEASE_MS, limit, only);
    for (const lease of leases) this.#toOpen.push(firstOpening(lease));
  }

  /** How many more batches may be open. */
  get #room(): number {
    return OPEN_SHARDS_LIMIT - this.#running.size - this.#toOpen.length;
  }

  /** Opens what is to be opened, in order, with the files of a few read ahead. */
  async #openAll(): Promise<void> {
    const openings = this.#toOpen.splice(0);
    const ahead: Ahead[] = [];
    for (let next = 0; next < openings.length || ahead.length > 0;) {
      while (ahead.length < OPEN_AHEAD && next < openings.length) {
        const opening = openings[next++] as Opening;
        // A process that is leaving opens nothing more: recovering a thousand logs would outlast its grace.
        if (this.#stopped) await this.#options.catalog.shards.release(opening.lease);
        else ahead.push({ opening, shard: this.#startOpening(opening) });
      }
      const first = ahead.shift();
      if (first !== undefined) await this.#open(first);
    }
  }

  #startOpening({ lease }: Opening): Promise<Shard> {
    const shard = this.#opener.open(lease);
    // Whoever awaits it may come later, and is the one to handle a failure.
    shard.catch(() => undefined);
    return shard;
  }

  async #open({ opening, shard: opened }: Ahead): Promise<void> {
    const { catalog, dispatcher } = this.#options;
    const { lease } = opening;
    let shard: Shard | null = null;
    try {
      shard = await opened;
      const { counts: recorded } = lease.batch;
      const progressDueMs = this.#progressDueMs();
      const running: Running = { shard, expiry: null, grace: null, recorded, progressDueMs, ending: null };
      this.#running.set(shard.id, running);
      // A cancel that came while the logs were being opened found nobody to tell; the catalog has it.
      const batch = await catalog.batches.find(lease.batch.workspaceId, lease.batch.id);
      // One that came since then found the shard, and may have ended the batch already.
      if (this.#running.get(shard.id) !== running) return;
      if (shard.batch === lease.batch) shard.adopt(batch ?? lease.batch);
      dispatcher.add(shard);
      this.#begin(running);
    } catch (error) {
      if (shard !== null && !this.#running.has(shard.id)) return;
      if (shard !== null) this.#drop(shard);
      this.#waitingCount++;
      this.#openLater(this.#failed(opening, error), opening.retryMs);
    }
  }

  /** One batch whose files cannot be read must not keep the others from running, nor fill the log. */
  #failed(opening: Opening, error: unknown): Opening {
    const { pace, log } = this.#options;
    const { next, isSaid } = nextOpening(opening, pace.now());
    const fields = { err: error, batchId: opening.lease.batch.id, attempt: next.failures, delayMs: opening.retryMs };
    if (isSaid) log.error(fields, 'opening a batch failed; trying again');
    return next;
  }

  /** Comes back to a batch after a while, and again after another if there is no room for it then. */
  #openLater(opening: Opening, afterMs: number): void {
    this.#retry(afterMs, () => {
      if (this.#room <= 0) return this.#openLater(opening, opening.retryMs);
      this.#waitingCount--;
      this.#toOpen.push(opening);
      void this.#claim();
    });
  }

  #retry(ms: number, action: () => void): void {
    if (this.#stopped) return;
    const timer = this.#options.pace.after(ms, () => {
      this.#retries.delete(timer);
      action();
    });
    this.#retries.add(timer);
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
      void this.#claim();
    } catch (error) {
      log.error({ err: error, batchId: shard.id }, 'ending a batch failed; trying again in a second');
      running.ending = null;
      this.#retry(RETRY_MS, () => this.#finish(running));
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
