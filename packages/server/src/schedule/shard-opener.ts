import { knownModels, PrefixWarmth, type Clock, type ModelTable, type UpstreamProfile } from '@batchwright/core';
import type { WorkspaceId } from '@batchwright/protocol';
import type { Catalog, Lease } from '../catalog/catalog.ts';
import type { Log } from '../observe/log.ts';
import { CommitPace } from '../results/commit-pace.ts';
import { ShardLedger, type Billing } from '../results/shard-ledger.ts';
import type { Activity } from '../runtime/activity.ts';
import type { RecoveryFindings, RequestLog, ResultLog, Spool } from '../spool/spool.ts';
import { ShardBudget } from './shard-budget.ts';
import { affinityOf, laneCount, ownCaches } from './shard-order.ts';
import { planOf } from './shard-plan.ts';
import { Shard, type ShardEvents } from './shard.ts';

/** What shards are made of, and what they have in common. */
export interface ShardSources {
  readonly catalog: Catalog;
  readonly spool: Spool;
  /** How the upstream caches prompts. */
  readonly profile: UpstreamProfile;
  /** Whether batches of all workspaces use what any of them has cached. */
  readonly isCacheShared: boolean;
  /** Whether it gives the batch discount. */
  readonly hasBatchDiscount: boolean;
  /** What its models cost, and from how many tokens on they cache; what is known of them anyway, unless it is given. */
  readonly models?: ModelTable;
  /** The seeds of the upstream's replicas; absent for one that has none. */
  readonly replicas?: readonly number[];
  readonly clock: Clock;
  readonly pace: Clock;
  readonly activity: Activity;
  readonly log: Log;
  readonly commitIntervalMs: number;
}

/** Opens the logs of a batch whose lease is held, recovers them, and makes the shard that works on them. */
export class ShardOpener {
  readonly #sources: ShardSources;
  readonly #events: ShardEvents;
  /** Replicas with caches of their own. */
  readonly #caches: readonly number[];
  readonly #commitPace: CommitPace;
  readonly #warmths = new Map<WorkspaceId | null, readonly PrefixWarmth[]>();

  constructor(sources: ShardSources, events: ShardEvents) {
    this.#sources = sources;
    this.#events = events;
    this.#commitPace = new CommitPace(sources.commitIntervalMs);
    this.#caches = ownCaches(sources.profile, sources.replicas ?? []);
  }

  /** Nothing stays open when it rejects. */
  async open(lease: Lease): Promise<Shard> {
    const { spool } = this.#sources;
    const requests = await spool.openRequestLog(lease.batch.id);
    let results: ResultLog | null = null;
    try {
      results = await spool.openResultLog(lease.batch.id, lease.shard, lease.epoch);
      this.#tellFindings(lease, results.findings);
      return await this.#shardOver(lease, requests, results);
    } catch (error) {
      await requests.close();
      await results?.close();
      throw error;
    }
  }

  async #shardOver(lease: Lease, requests: RequestLog, results: ResultLog): Promise<Shard> {
    const { clock, pace, activity } = this.#sources;
    const plan = planOf(requests);
    const bills = new ShardLedger(plan, this.#billing);
    await this.#restoreBills(bills, lease, results);
    return new Shard({
      lease,
      requests,
      results,
      plan,
      bills,
      budget: new ShardBudget(lease.batch, plan, this.#billing, bills.totals),
      warmths: this.#warmthsOf(lease.batch.workspaceId),
      affinity: affinityOf(plan, this.#caches),
      clock,
      pace,
      commitPace: this.#commitPace,
      activity,
      events: this.#events,
    });
  }

  #tellFindings({ batch }: Lease, { lost, adopted }: RecoveryFindings): void {
    const { log } = this.#sources;
    const fields = { batchId: batch.id };
    if (lost > 0) {
      log.error(
        { ...fields, count: lost },
        'results that had been written are gone or damaged; their requests go out again',
      );
    }
    if (adopted > 0) log.warn({ ...fields, count: adopted }, 'results that nothing named any more were taken up again');
  }

  async #restoreBills(bills: ShardLedger, lease: Lease, results: ResultLog): Promise<void> {
    const { catalog, spool, log } = this.#sources;
    const { id, createdAtUs } = lease.batch;
    const kept = await catalog.shards.ledger(lease);
    if (await bills.restore(kept, results.settled, createdAtUs, () => spool.readDurableResults(id))) return;
    log.warn({ batchId: id }, 'the results are fewer than the ledger covers; what it has stands');
  }

  get #billing(): Billing {
    const { profile, models: table = knownModels(profile), hasBatchDiscount } = this.#sources;
    return { isBatch: hasBatchDiscount, isPriced: table.isPriced, table, reports: profile.usage };
  }

  /**
   * What is believed of the upstream's caches, per workspace: nobody learns from another's prompts, nor pays less by them,
   * unless the operator says that all may.
   */
  #warmthsOf(workspaceId: WorkspaceId): readonly PrefixWarmth[] {
    const scope = this.#sources.isCacheShared ? null : workspaceId;
    const known = this.#warmths.get(scope);
    if (known !== undefined) return known;
    const warmths = Array.from({ length: laneCount(this.#caches) }, () => new PrefixWarmth(this.#sources.profile));
    this.#warmths.set(scope, warmths);
    return warmths;
  }
}
