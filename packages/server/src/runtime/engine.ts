import type { Clock, ModelTable, UpstreamProfile } from '@batchwright/core';
import type { RandomBytes } from '@batchwright/protocol';
import type { Catalog } from '../catalog/catalog.ts';
import { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Upstream } from '../dispatch/upstream/upstream.ts';
import { Archivist } from '../maintain/archivist.ts';
import { SegmentRemover } from '../maintain/segment-remover.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import type { Spool } from '../spool/spool.ts';
import type { Activity } from './activity.ts';

/** Everything behind the HTTP room, on whatever stores, clock and upstream it is given. */
export interface EngineOptions {
  readonly node: string;
  readonly catalog: Catalog;
  readonly spool: Spool;
  readonly upstream: Upstream;
  readonly profile: UpstreamProfile;
  /** Whether batches of all workspaces use what any of them has cached. */
  readonly isCacheShared: boolean;
  /** What its models cost, and from how many tokens on they cache; what is known of them anyway, unless it is given. */
  readonly models?: ModelTable;
  /** The seeds of the upstream's replicas; absent for one that has none. */
  readonly replicas?: readonly number[];
  /** The API's time: expiry, retries, archiving. */
  readonly clock: Clock;
  /** Real time, for what waits on a disk. The same as `clock` unless that is virtual. */
  readonly pace: Clock;
  readonly random: () => number;
  readonly randomBytes: RandomBytes;
  readonly activity: Activity;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly concurrency: number;
  readonly commitIntervalMs: number;
  readonly cancelGraceMs: number;
  readonly shutdownGraceMs: number;
}

export interface Engine {
  readonly scheduler: Scheduler;
  readonly dispatcher: Dispatcher;
  readonly segmentRemover: SegmentRemover;
  /** Takes up what the last process left. */
  start(): Promise<void>;
  /** Lets calls in flight finish within the grace, gives back the rest, writes every answer, frees the leases. */
  stop(): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { catalog, spool, clock, pace, activity, log } = options;
  const dispatcher = new Dispatcher(options);
  const scheduler = new Scheduler({ ...options, dispatcher, hasBatchDiscount: options.upstream.isSimulated });
  const segmentRemover = new SegmentRemover(catalog, spool, activity, log);
  const archivist = new Archivist(catalog, spool, clock, activity, log);
  return {
    scheduler,
    dispatcher,
    segmentRemover,
    start: async () => {
      // First: what it finds in the spool must be a former process's.
      await segmentRemover.run();
      await scheduler.run();
      await archivist.run();
      dispatcher.start();
    },
    stop: async () => {
      scheduler.pause();
      await drain(dispatcher, pace, options.shutdownGraceMs);
      await scheduler.stop();
      await archivist.stop();
      await segmentRemover.stop();
    },
  };
}

/** Waits for the calls in flight, but not longer than the grace. */
async function drain(dispatcher: Dispatcher, pace: Clock, graceMs: number): Promise<void> {
  let tooLate: { cancel(): void } | null = null;
  const grace = new Promise<void>((resolve) => {
    tooLate = pace.after(graceMs, resolve);
  });
  await Promise.race([dispatcher.stop(), grace]);
  (tooLate as { cancel(): void } | null)?.cancel();
}
