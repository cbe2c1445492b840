import { systemClock, type Clock, type Timer, type UpstreamProfile, type VirtualClock } from '@batchwright/core';
import type { Catalog } from '../../packages/server/src/catalog/catalog.ts';
import type { Upstream } from '../../packages/server/src/dispatch/upstream/upstream.ts';
import { silentLog } from '../../packages/server/src/observe/log.ts';
import { createMetrics } from '../../packages/server/src/observe/metrics.ts';
import { createEngine, type Engine } from '../../packages/server/src/runtime/engine.ts';
import { openFileSpool } from '../../packages/server/src/spool/file/file-spool.ts';
import type { Spool } from '../../packages/server/src/spool/spool.ts';
import type { Chance } from './chance.ts';
import type { Effect } from './crash-points.ts';
import { SPOOL_ROOT, type SimulatedDisk } from './disk.ts';
import { Life, mortalCatalog, mortalClock, mortalSpool, mortalUpstream, type Doom } from './mortal.ts';
import { WatchedActivity, type Rest } from './rest.ts';

/** What outlives processes. */
export interface Machine {
  /** Time as it passes; nobody sets it. */
  readonly time: VirtualClock;
  /** What the machine's clock shows beyond `time`: people and daemons set it forward and back. */
  readonly wallOffsetMs: () => number;
  readonly catalog: Catalog;
  /** Where batches lie: in files, or in a spool that is memory. */
  readonly disk: SimulatedDisk;
  readonly memorySpool: Spool | null;
  readonly upstream: Upstream;
  readonly profile: UpstreamProfile;
  readonly replicas: readonly number[];
  readonly isCacheShared: boolean;
  readonly rest: Rest;
  readonly chance: Chance;
  /** How long the disk takes, in virtual time; throws what a catalog on a full disk does. */
  readonly onEffect: (effect: Effect) => number;
  /** Throws when the disk of a spool in memory is full. */
  readonly onCommit: () => void;
}

/** One process of the server on a machine: the real engine on the real spool, on stores that die with it. */
export interface ServerProcess {
  readonly life: Life;
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly spool: Spool;
  readonly engine: Engine;
}

export const CONCURRENCY = 6;

export function spawn(machine: Machine, doom: Doom, onDeath: () => void): ServerProcess {
  const { chance, rest } = machine;
  const { time, onEffect: delayMs } = machine;
  const life = new Life({ doom, stir: rest.stir, delayMs, clock: time, onDeath });
  const clock = processClock(machine, life);
  const catalog = mortalCatalog(machine.catalog, life);
  const spool = mortalSpool(
    machine.memorySpool ?? openFileSpool(SPOOL_ROOT, machine.disk.filesOf(life)),
    life,
    machine.onCommit,
  );
  const engine = createEngine({
    ...{ node: 'embedded', catalog, spool, clock, pace: clock, log: silentLog, metrics: createMetrics() },
    ...{ activity: new WatchedActivity(rest), random: () => chance.next(), randomBytes: (n) => chance.bytes(n) },
    ...{ concurrency: CONCURRENCY, commitIntervalMs: 5, cancelGraceMs: 10_000, shutdownGraceMs: 10_000 },
    ...{ profile: machine.profile, replicas: machine.replicas, isCacheShared: machine.isCacheShared },
    upstream: mortalUpstream(machine.upstream, life),
  });
  return { life, clock, catalog, spool, engine };
}

/** The server's own clock over a host whose wall clock is set now and then, and whose timers do not care. */
function processClock({ time, wallOffsetMs }: Machine, life: Life): Clock {
  const timers = mortalClock(time, life);
  return systemClock<Timer>({
    now: () => time.now() + wallOffsetMs(),
    setTimeout: (action, delayMs) => timers.after(delayMs, action),
    clearTimeout: (timer) => timer.cancel(),
  });
}
