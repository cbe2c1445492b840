import {
  mergeTotals,
  UPSTREAM_PROFILES,
  VirtualClock,
  type BatchRecord,
  type LedgerTotals,
  type UpstreamProfile,
} from '@batchwright/core';
import { microsecondsFromMs, type MicrosecondsUtc, type WorkspaceId } from '@batchwright/protocol';
import type { Catalog, LedgerCheckpoint } from '../../packages/server/src/catalog/catalog.ts';
import { createMemoryCatalog } from '../../packages/server/src/catalog/memory/memory-catalog.ts';
import { openFileSpool } from '../../packages/server/src/spool/file/file-spool.ts';
import { createMemorySpool } from '../../packages/server/src/spool/memory/memory-spool.ts';
import type { Spool } from '../../packages/server/src/spool/spool.ts';
import type { Chance } from './chance.ts';
import { SYNCS, type CrashPoint, type Effect } from './crash-points.ts';
import { SimulatedDisk, SPOOL_ROOT } from './disk.ts';
import { HostileUpstream, type Moment } from './hostile-upstream.ts';
import type { Doom } from './mortal.ts';
import type { Promised } from './promised.ts';
import { Rest } from './rest.ts';
import { spawn, type Machine, type ServerProcess } from './server-process.ts';

export const START_MS = Date.UTC(2026, 0, 1);
export const WORKSPACES = ['A', 'B', 'C'].map((name) => `wrkspc_01${name}` as WorkspaceId);
export const HOUR_MS = 3_600_000;
/** More than any history creates. */
const LIST_LIMIT = 100_000;
/** Waits longer than a batch can last, at half the pace of a clock that was set back. */
const PATIENCE_MS = 80 * HOUR_MS;
/** A timer looks at the clock this often: so long a step forward may go unnoticed. */
const LOOK_MS = 30_000;
/** With nothing to wait for, a world that turns on as often without an end is stuck. */
const IDLE_TURNS = 100;
/** What clients that are still being answered get, when the server leaves. */
const CLOSE_GRACE_MS = 5000;

/** How the disk is. */
export interface DiskMood {
  readonly isFull: boolean;
  /** Milliseconds that a sync takes. */
  readonly syncMs: number;
  /** How often a sync takes seconds, and how often it fails; from 0 to 1. */
  readonly stalls: number;
  readonly failures: number;
}

export const GOOD_DISK: DiskMood = { isFull: false, syncMs: 0, stalls: 0, failures: 0 };

/** What a world is made of, apart from its seed. */
export interface WorldTraits {
  /** Batches lie in simulated files, under the spool that servers have; else in memory. */
  readonly hasFiles: boolean;
  readonly malice: number;
  readonly hasReplicas: boolean;
  /** The doom of the next process. */
  readonly doom: () => Doom;
}

/**
 * A whole server in virtual time on a machine that outlives its processes, and an upstream that misbehaves: all drawn from
 * one seed. `Clients` use it, and a history says what happens when.
 */
export class World {
  readonly time = new VirtualClock(START_MS);
  readonly chance: Chance;
  readonly rest = new Rest();
  readonly upstream: HostileUpstream;
  readonly disk: SimulatedDisk;
  promised: Promised[] = [];
  /** What batches had used that were deleted and are no longer looked at. */
  readonly retired = new Map<WorkspaceId, LedgerTotals>();
  readonly violations: string[] = [];
  /** Points at which processes died. */
  readonly deaths: CrashPoint[] = [];
  readonly counts = { crashes: 0, powerLosses: 0, drains: 0, clockSteps: 0, lostAnswers: 0, refusals: 0 };
  /** Client calls that were begun and are not over. */
  readonly pending = new Set<Promise<void>>();
  mood: DiskMood = GOOD_DISK;
  readonly #troubles = { full: 0, failing: 0 };
  /** The latest moment that any process of the server has seen. */
  latestMs = START_MS;
  readonly #machine: Machine;
  readonly #traits: WorldTraits;
  readonly #leaps: { readonly atMs: number; readonly ms: number }[] = [];
  #wallOffsetMs = 0;
  #process: ServerProcess | null = null;

  constructor(chance: Chance, traits: WorldTraits) {
    this.chance = chance;
    this.#traits = traits;
    this.upstream = new HostileUpstream(this.time, chance.fork(), traits.malice, () => this.#moment());
    this.disk = new SimulatedDisk(chance.fork());
    const ids = chance.fork();
    const catalog = createMemoryCatalog({ randomBytes: (length) => ids.bytes(length), now: () => this.time.now() });
    const memorySpool = traits.hasFiles ? null : createMemorySpool();
    this.#machine = {
      ...{ time: this.time, wallOffsetMs: () => this.#wallOffsetMs, catalog, disk: this.disk, memorySpool },
      ...{ upstream: this.upstream, rest: this.rest, chance, isCacheShared: chance.isLucky(0.3) },
      profile: traits.hasReplicas ? chance.pick(REPLICA_PROFILES) : UPSTREAM_PROFILES.anthropic,
      replicas: traits.hasReplicas ? [11, 22, 33] : [],
      onEffect: (effect) => this.#onEffect(effect),
      onCommit: () => {
        if (this.mood.isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      },
    };
  }

  get process(): ServerProcess {
    if (this.#process === null) throw new Error('no process was started');
    return this.#process;
  }

  /** The catalog as it lies on the disk, whoever lives. */
  get catalog(): Catalog {
    return this.#machine.catalog;
  }

  get profile(): UpstreamProfile {
    return this.#machine.profile;
  }

  get nowUs(): MicrosecondsUtc {
    return microsecondsFromMs(this.process.clock.now());
  }

  /** Founds the workspaces and starts the first process. */
  async begin(): Promise<void> {
    for (const id of WORKSPACES) {
      const workspace = { id, name: id, createdAtUs: microsecondsFromMs(START_MS) };
      await this.catalog.workspaces.create(workspace);
    }
    await this.start();
  }

  /** Starts a process, and another for as long as they die on the way. */
  async start(): Promise<void> {
    for (;;) {
      await this.rest.settle();
      if (this.#traits.hasFiles && this.#process?.life.diedAt !== null && this.chance.isLucky(0.3)) {
        this.counts.powerLosses++;
        this.disk.losePower();
      }
      const process = spawn(this.#machine, this.#traits.doom(), () => this.#died());
      this.#process = process;
      if ((await this.until(Promise.race([process.engine.start(), process.life.gone]))) !== 'gone') break;
    }
    await this.rest.settle();
  }

  /** A stop signal, whatever is going on, and a new process. */
  async restart(): Promise<void> {
    const { process } = this;
    this.counts.drains++;
    if (process.life.isAlive) await this.until(Promise.race([this.#leave(process), process.life.gone]));
    await this.start();
  }

  /** As a server leaves: calls in flight get their grace, then clients, then the stores are closed. */
  async #leave({ engine, spool, catalog, life, clock }: ServerProcess): Promise<void> {
    await engine.stop();
    let isOver = false;
    const grace = new Promise<void>((resolve) => {
      const timer = clock.after(CLOSE_GRACE_MS, resolve);
      void Promise.all(this.pending).then(() => {
        isOver = true;
        timer.cancel();
        resolve();
      });
    });
    await grace;
    await spool.close();
    await catalog.close();
    if (!life.isAlive) return;
    if (isOver && life.timers.size > 0) this.violated(`${life.timers.size} timers outlived a stop`);
    if (isOver && this.disk.openFiles > 0) this.violated(`${this.disk.openFiles} files outlived a stop`);
    life.leave();
    this.disk.loseProcess();
  }

  #died(): void {
    const { life, clock } = this.process;
    const { diedAt } = life;
    this.latestMs = Math.max(this.latestMs, clock.now());
    if (diedAt !== null) this.deaths.push(diedAt);
    this.counts.crashes++;
    this.upstream.dropAll();
    this.disk.loseProcess();
  }

  /** Begins a client's call; unless it is left to itself, time passes until it is over. */
  async call(run: () => Promise<void>, isLeft: boolean): Promise<void> {
    const call = run().finally(() => this.pending.delete(call));
    this.pending.add(call);
    if (!isLeft) await this.until(call);
    else await this.rest.turn().then(() => this.rest.settle());
  }

  /** Lets time pass until the promise is settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => void (isSettled = true);
    promise.then(settled, settled);
    const givingUpMs = this.time.now() + PATIENCE_MS;
    for (let idleTurns = 0; idleTurns < IDLE_TURNS; idleTurns++) {
      await this.rest.turn();
      await this.rest.settle();
      this.#see();
      if (isSettled) return promise;
      const nextMs = this.time.nextAt();
      if (nextMs === null) continue;
      if (nextMs > givingUpMs) break;
      await this.time.advance(nextMs - this.time.now(), () => this.rest.settle());
      idleTurns = 0;
    }
    throw new Error('nothing will ever come of it');
  }

  async advance(ms: number): Promise<void> {
    await this.rest.settle();
    await this.time.advance(ms, () => this.rest.settle());
    this.#see();
  }

  /** Somebody sets the machine's clock. */
  stepClock(ms: number): void {
    this.#see();
    this.counts.clockSteps++;
    this.#wallOffsetMs += ms;
    if (ms > 0) this.#leaps.push({ atMs: this.time.now(), ms });
  }

  setDisk(mood: DiskMood): void {
    this.mood = mood;
    if (mood.isFull) this.#troubles.full++;
    if (mood.failures > 0) this.#troubles.failing++;
    this.disk.setFull(mood.isFull);
    this.disk.setSyncFailures(mood.failures);
  }

  /** What may excuse a failure of something that begins now, once it has failed. */
  excuses(): Readonly<Record<'full' | 'failing', () => boolean>> {
    const { isFull, failures } = this.mood;
    const before = { ...this.#troubles };
    return {
      full: () => isFull || this.#troubles.full > before.full,
      failing: () => failures > 0 || this.#troubles.failing > before.failing,
    };
  }

  /** The results a client would download now, or null; nothing of it is an effect. */
  async results({ id }: Promised): Promise<string | null> {
    const reader = await this.storedSpool().readResults(id);
    if (reader === null) return null;
    const bytes = new Uint8Array(reader.bytes);
    for (let at = 0; at < bytes.length;) {
      const count = await reader.read(bytes.subarray(at), at);
      if (count === 0) throw new Error(`the results of ${id} end at ${at} of ${bytes.length}`);
      at += count;
    }
    await reader.close();
    return Buffer.from(bytes).toString();
  }

  /** The spool as it lies on the disk, whoever lives. */
  storedSpool(): Spool {
    return this.#machine.memorySpool ?? openFileSpool(SPOOL_ROOT, this.disk.stored);
  }

  record({ workspaceId, id }: Promised): Promise<BatchRecord | null> {
    return this.catalog.batches.find(workspaceId, id);
  }

  /** What a batch came to, as far as the catalog knows. */
  async ledger({ workspaceId, id }: Promised): Promise<LedgerCheckpoint | null> {
    return (await this.catalog.batches.account(workspaceId, id))?.ledger ?? null;
  }

  /** What a workspace used, of all days together. */
  async usage(workspaceId: WorkspaceId): Promise<LedgerTotals> {
    const days = await this.catalog.workspaces.usage(workspaceId, '2000-01-01', '2099-12-31');
    return days.reduce<LedgerTotals>((all, { totals }) => mergeTotals(all, totals), new Map());
  }

  /** Stored batches that nobody is known to have created. */
  async unknownBatches(): Promise<readonly BatchRecord[]> {
    const known = new Set(this.promised.map(({ id }) => id));
    const stored: BatchRecord[] = [];
    for (const id of WORKSPACES) {
      const page = await this.catalog.batches.list(id, { type: 'first' }, LIST_LIMIT);
      if (page === 'unknown_cursor') throw new Error('a list without a cursor has no unknown one');
      stored.push(...page.batches);
    }
    return stored.filter(({ id }) => !known.has(id));
  }

  violated(what: string): void {
    this.violations.push(what);
  }

  #see(): void {
    if (this.#process?.life.isAlive === true) this.latestMs = Math.max(this.latestMs, this.#process.clock.now());
  }

  #moment(): Moment {
    const nowMs = this.time.now();
    const leapMs = this.#leaps.reduce((sum, { atMs, ms }) => (nowMs - atMs <= LOOK_MS ? sum + ms : sum), 0);
    return { atMs: this.process.clock.now(), leapMs };
  }

  #onEffect(effect: Effect): number {
    const { mood, chance } = this;
    if (!SYNCS.has(effect)) return 0;
    if (mood.isFull && isCatalogWrite(effect) && chance.isLucky(0.5)) throw new Error('database or disk is full');
    if (mood.stalls > 0 && chance.isLucky(mood.stalls)) return chance.between(1000, 20_000);
    return mood.syncMs;
  }
}

const REPLICA_PROFILES = [UPSTREAM_PROFILES.vllm, UPSTREAM_PROFILES.sglang, UPSTREAM_PROFILES['llama.cpp']] as const;

function isCatalogWrite(effect: Effect): boolean {
  return effect.startsWith('batches.') || effect.startsWith('shards.');
}
