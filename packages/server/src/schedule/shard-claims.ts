import { microsecondsFromMs, type BatchId } from '@batchwright/protocol';
import type { Lease } from '../catalog/catalog.ts';
import { firstOpening, nextOpening, type Opening } from './opening.ts';
import { Retries } from './retries.ts';
import type { ShardOpener, ShardSources } from './shard-opener.ts';
import type { Shard } from './shard.ts';

/**
 * Leases, from when a batch is claimed until its shard is open and taken over: which batches come next, how many may be
 * open, and when to come back to one whose files cannot be read.
 *
 *     claim ─▶ to open ─▶ files read, four at a time ─▶ taken over, in order
 *                 ▲                  │ failed
 *                 └── after a while ─┘
 */
export interface ClaimsOptions extends Pick<ShardSources, 'catalog' | 'clock' | 'pace' | 'activity' | 'log'> {
  readonly node: string;
  readonly opener: ShardOpener;
  /** Shards open at this moment. */
  readonly openCount: () => number;
  /** Takes over an open shard; when it rejects, the shard is closed and its batch is opened again later. */
  readonly take: (shard: Shard, lease: Lease) => Promise<void>;
}

/** Shards open at once: each holds three file handles and its index in memory. */
const OPEN_SHARDS_LIMIT = 1000;
/** Batches that cannot be opened take no place from others, up to as many as may be open. */
const HELD_SHARDS_LIMIT = 2 * OPEN_SHARDS_LIMIT;
/** Batches whose files are read while one before them is taken over: at a start, disk and processor work side by side. */
const OPEN_AHEAD = 4;
/** Embedded, the data directory's lock makes this process the only owner: a lease outlives any batch. */
const LEASE_MS = 30 * 24 * 60 * 60 * 1000;
const RETRY_MS = 1000;

/** The shard of an opening, on its way. */
interface Ahead {
  readonly opening: Opening;
  readonly shard: Promise<Shard>;
}

export class ShardClaims {
  readonly #options: ClaimsOptions;
  readonly #retries: Retries;
  /** Batches canceled before their turn came. */
  readonly #canceled = new Set<BatchId>();
  /** Leases held for batches to be opened next, whether for the first time or again. */
  readonly #toOpen: Opening[] = [];
  /** Leases held for batches whose opening failed and whose wait is not over. */
  #waitingCount = 0;
  #claiming: Promise<void> | null = null;
  #claimAgain = false;
  #isPaused = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#retries = new Retries(options.pace);
  }

  /** Batches that could not be opened, and are tried again now and then. */
  get unopened(): number {
    return this.#waitingCount;
  }

  /** Claims what there is room for. Resolves when everything claimed so far was opened, or has failed to be. */
  claim(): Promise<void> {
    if (this.#claiming !== null) {
      this.#claimAgain = true;
      return this.#claiming;
    }
    this.#claiming = this.#options.activity.track(this.#claimAll()).finally(() => {
      this.#claiming = null;
      if (this.#claimAgain) void this.claim();
    });
    return this.#claiming;
  }

  /** A batch that is not open was canceled: it has nothing to wait for. */
  claimCanceled(id: BatchId): void {
    this.#canceled.add(id);
    void this.claim();
  }

  /** Opens nothing more. */
  pause(): void {
    this.#isPaused = true;
    this.#retries.stop();
  }

  /** As `pause`; resolves once nothing is on its way to being taken over. */
  async stop(): Promise<void> {
    this.pause();
    await this.#claiming;
  }

  async #claimAll(): Promise<void> {
    this.#claimAgain = false;
    if (this.#isPaused) return;
    try {
      await this.#claimAllCanceled();
      const room = Math.min(this.#room, HELD_SHARDS_LIMIT - OPEN_SHARDS_LIMIT + this.#room - this.#waitingCount);
      if (room > 0) await this.#claimUpTo(room);
      await this.#openAll();
    } catch (error) {
      this.#options.log.error({ err: error }, 'claiming batches failed; trying again in a second');
      this.#retries.after(RETRY_MS, () => void this.claim());
    }
  }

  /** Whether or not there is room: what is canceled is gone in a moment. */
  async #claimAllCanceled(): Promise<void> {
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
    return OPEN_SHARDS_LIMIT - this.#options.openCount() - this.#toOpen.length;
  }

  /** Opens what is to be opened, in order, with the files of a few read ahead. */
  async #openAll(): Promise<void> {
    const openings = this.#toOpen.splice(0);
    const ahead: Ahead[] = [];
    for (let next = 0; next < openings.length || ahead.length > 0;) {
      while (ahead.length < OPEN_AHEAD && next < openings.length) {
        const opening = openings[next++] as Opening;
        // A process that is leaving opens nothing more: recovering a thousand logs would outlast its grace.
        if (this.#isPaused) await this.#release(opening.lease);
        else ahead.push({ opening, shard: this.#startOpening(opening) });
      }
      const first = ahead.shift();
      if (first !== undefined) await this.#open(first);
    }
  }

  /** A lease that stays is freed by the next start; what is being opened meanwhile must not be forgotten over it. */
  async #release(lease: Lease): Promise<void> {
    const { catalog, log } = this.#options;
    try {
      await catalog.shards.release(lease);
    } catch (error) {
      log.warn({ err: error, batchId: lease.batch.id }, 'giving back a batch failed; the next start takes it up');
    }
  }

  #startOpening({ lease }: Opening): Promise<Shard> {
    const shard = this.#options.opener.open(lease);
    // Whoever awaits it may come later, and is the one to handle a failure.
    shard.catch(() => undefined);
    return shard;
  }

  async #open({ opening, shard }: Ahead): Promise<void> {
    try {
      await this.#options.take(await shard, opening.lease);
    } catch (error) {
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
    this.#retries.after(afterMs, () => {
      if (this.#room <= 0) return this.#openLater(opening, opening.retryMs);
      this.#waitingCount--;
      this.#toOpen.push(opening);
      void this.claim();
    });
  }
}
