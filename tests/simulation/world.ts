import { mergeTotals, UPSTREAM_PROFILES, VirtualClock, type BatchRecord, type LedgerTotals } from '@batchwright/core';
import {
  microsecondsFromMs,
  type BatchId,
  type MicrosecondsUtc,
  type RequestCounts,
  type WorkspaceId,
} from '@batchwright/protocol';
import { Readable } from 'node:stream';
import type { Catalog, LedgerCheckpoint } from '../../packages/server/src/catalog/catalog.ts';
import { createMemoryCatalog } from '../../packages/server/src/catalog/memory/memory-catalog.ts';
import { createIntake } from '../../packages/server/src/intake/create-intake.ts';
import { silentLog } from '../../packages/server/src/observe/log.ts';
import { createMetrics } from '../../packages/server/src/observe/metrics.ts';
import { Activity } from '../../packages/server/src/runtime/activity.ts';
import { createEngine, type Engine } from '../../packages/server/src/runtime/engine.ts';
import { createMemorySpool } from '../../packages/server/src/spool/memory/memory-spool.ts';
import type { Spool } from '../../packages/server/src/spool/spool.ts';
import { Chance } from './chance.ts';
import { HostileUpstream } from './hostile-upstream.ts';
import {
  drawLife,
  dyingAtCreate,
  mortalCatalog,
  mortalClock,
  mortalSpool,
  mortalUpstream,
  type Life,
} from './mortal.ts';

/** What the world remembers of a batch that was accepted, to hold the server to it. */
export interface Promised {
  readonly id: BatchId;
  readonly workspaceId: WorkspaceId;
  readonly customIds: readonly string[];
  readonly createdAtMs: number;
  /** Somebody asked to cancel it; whether that arrived is known only if `cancelledAtCall` is set. */
  cancelAsked: boolean;
  /** Calls made when the cancel was accepted; no later call may be this batch's. */
  cancelledAtCall: number | null;
  /** The furthest that polls have seen its counters go. */
  seen: RequestCounts | null;
  ended: boolean;
  deleted: boolean;
  /** What it had come to when it was deleted. */
  ledgerAtDeletion: LedgerCheckpoint | null;
}

interface Process {
  readonly life: Life;
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly spool: Spool;
  readonly activity: Activity;
}

export const CONCURRENCY = 6;
const START_MS = Date.UTC(2026, 0, 1);
export const WORKSPACES = ['A', 'B', 'C'].map((name) => `wrkspc_01${name}` as WorkspaceId);
const HOUR_MS = 3_600_000;
/** More than any history creates. */
const LIST_LIMIT = 1000;
/** Far more turns of the event loop than any step needs: a history that waits for ever fails instead of hanging. */
const TURNS_LIMIT = 20_000;

/**
 * A whole server in virtual time on stores that outlive its processes, an upstream that misbehaves, and a history of
 * clients: all drawn from one seed.
 */
export class World {
  readonly clock = new VirtualClock(START_MS);
  readonly upstream: HostileUpstream;
  readonly promised: Promised[] = [];
  readonly violations: string[] = [];
  crashes = 0;
  /** Batches whose create died before it was answered, and after they were stored. */
  foundByListing = 0;
  readonly #chance: Chance;
  readonly #catalog: Catalog;
  readonly #spool = createMemorySpool();
  #process: Process | null = null;
  #calm = false;
  #diskFull = false;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    const malice = this.#chance.pick([0, 0.2, 0.6, 1]);
    this.upstream = new HostileUpstream(this.clock, this.#chance.fork(), malice);
    const ids = this.#chance.fork();
    this.#catalog = createMemoryCatalog({ randomBytes: (length) => ids.bytes(length), now: () => this.clock.now() });
  }

  /** Lives through `steps` drawn events, then lets the faults stop, and waits for everything to end. */
  async run(steps: number): Promise<void> {
    for (const id of WORKSPACES) {
      await this.#catalog.workspaces.create({ id, name: id, createdAtUs: this.#nowUs() });
    }
    await this.#start();
    for (let step = 0; step < steps; step++) {
      await this.#step();
      await this.#poll();
    }
    this.#calm = true;
    this.#diskFull = false;
    this.upstream.calm = true;
    await this.#restart();
    for (let hour = 0; hour < 30 && this.promised.some((batch) => !batch.ended && !batch.deleted); hour++) {
      await this.#advance(HOUR_MS);
      await this.#poll();
    }
  }

  /** The results a client would download, or null. */
  async results(batch: Promised): Promise<string | null> {
    const reader = await this.#spool.readResults(batch.id);
    if (reader === null) return null;
    const bytes = new Uint8Array(reader.bytes);
    for (let at = 0; at < bytes.length;) at += await reader.read(bytes.subarray(at), at);
    return Buffer.from(bytes).toString();
  }

  record(batch: Promised) {
    return this.#catalog.batches.find(batch.workspaceId, batch.id);
  }

  /** What a batch came to, as far as the catalog knows. */
  async ledger(batch: Promised): Promise<LedgerCheckpoint | null> {
    return (await this.#catalog.batches.account(batch.workspaceId, batch.id))?.ledger ?? null;
  }

  /** What a workspace used, of all days together. */
  async usage(workspaceId: WorkspaceId): Promise<LedgerTotals> {
    const days = await this.#catalog.workspaces.usage(workspaceId, '2026-01-01', '2026-12-31');
    return days.reduce<LedgerTotals>((all, { totals }) => mergeTotals(all, totals), new Map());
  }

  /** Stored batches that nobody is known to have created. */
  async unknownBatches(): Promise<readonly BatchRecord[]> {
    const known = new Set(this.promised.map(({ id }) => id));
    const stored: BatchRecord[] = [];
    for (const id of WORKSPACES) {
      const page = await this.#catalog.batches.list(id, { type: 'first' }, LIST_LIMIT);
      if (page === 'unknown_cursor') throw new Error('a list without a cursor has no unknown one');
      stored.push(...page.batches);
    }
    return stored.filter(({ id }) => !known.has(id));
  }

  async #step(): Promise<void> {
    const chance = this.#chance;
    const draw = chance.next();
    this.#diskFull = chance.isLucky(0.1);
    if (draw < 0.25) await this.#create();
    else if (draw < 0.33) await this.#cancel();
    else if (draw < 0.36) await this.#delete();
    else if (draw < 0.39) await this.#restart();
    else if (draw < 0.43) await this.#advance(chance.between(1, 30) * HOUR_MS);
    else await this.#advance(chance.between(1, 60_000));
    if (this.#process?.life.isAlive === false) await this.#start();
  }

  async #create(): Promise<void> {
    const chance = this.#chance;
    const process = this.#process as Process;
    const batch = this.promised.length;
    const count = chance.isLucky(0.1) ? chance.between(50, 300) : chance.between(1, 12);
    const customIds = Array.from(
      { length: count },
      (_, i) => `b${batch}-${i}${chance.isLucky(0.05) ? '-refuse-me' : ''}`,
    );
    const shared = chance.isLucky(0.4) ? chance.pick(DOCUMENTS) : null;
    const requests = customIds.map((custom_id) => ({
      custom_id,
      params: { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: contentOf(custom_id, shared) }] },
    }));
    const intake = createIntake({
      spool: process.spool,
      catalog: chance.isLucky(0.05) ? dyingAtCreate(process.catalog, process.life) : process.catalog,
      profile: UPSTREAM_PROFILES.anthropic,
      hasBatchDiscount: false,
      clock: this.clock,
      randomBytes: (n) => chance.bytes(n),
      concurrentUploads: 1,
    });
    const workspaceId = chance.pick(WORKSPACES);
    const terms = {
      workspaceId,
      apiVersion: '2023-06-01',
      betas: [],
      userProfileId: null,
      options: { counts: 'live', markers: chance.pick(MARKERS), budgetNanoUsd: null },
    } as const;
    const outcome = await this.#untilDeath(
      intake.receive(Readable.from([Buffer.from(JSON.stringify({ requests }))]), terms, null),
    );
    if (outcome === 'died') return this.#promiseUnanswered(customIds);
    if (outcome.type !== 'accepted') return this.#violated(`a good batch was ${outcome.type}`);
    this.#promise(outcome.batch, customIds);
    process.engine.scheduler.batchCreated(outcome.batch);
    await this.#settle();
  }

  /** A create whose answer was lost may have stored its batch: the client finds it by listing, and it counts like any. */
  async #promiseUnanswered(customIds: readonly string[]): Promise<void> {
    for (const batch of await this.unknownBatches()) {
      this.foundByListing++;
      this.#promise(batch, customIds);
    }
  }

  #promise({ id, workspaceId, createdAtUs }: BatchRecord, customIds: readonly string[]): void {
    this.promised.push({
      ...{ id, workspaceId, customIds, createdAtMs: createdAtUs / 1000 },
      ...{
        cancelAsked: false,
        cancelledAtCall: null,
        seen: null,
        ended: false,
        deleted: false,
        ledgerAtDeletion: null,
      },
    });
  }

  async #cancel(): Promise<void> {
    const batch = this.#pickLive();
    const process = this.#process as Process;
    if (batch === null) return;
    batch.cancelAsked = true;
    const outcome = await this.#untilDeath(process.catalog.batches.cancel(batch.workspaceId, batch.id, this.#nowUs()));
    if (outcome === 'died') return;
    if (outcome === 'missing') return this.#violated(`${batch.id} went missing`);
    process.engine.scheduler.cancelRequested(outcome);
    if (outcome.status === 'canceling') batch.cancelledAtCall ??= this.upstream.calls.length;
    await this.#settle();
  }

  async #delete(): Promise<void> {
    const ended = this.promised.filter((batch) => batch.ended && !batch.deleted);
    const process = this.#process as Process;
    if (ended.length === 0) return;
    const batch = this.#chance.pick(ended);
    batch.ledgerAtDeletion = await this.ledger(batch);
    const outcome = await this.#untilDeath(process.catalog.batches.delete(batch.workspaceId, batch.id, this.#nowUs()));
    // A delete that died may have happened: nobody was told, and both are right.
    batch.deleted = true;
    if (outcome === 'died') return;
    if (outcome !== 'deleted') this.#violated(`delete of the ended ${batch.id} was ${outcome}`);
    await this.#untilDeath(process.engine.segmentRemover.runOnce());
  }

  /** A graceful stop and a new process. */
  async #restart(): Promise<void> {
    const process = this.#process as Process;
    if (process.life.isAlive) {
      const stopped = this.#untilDeath(process.engine.stop());
      await this.#advance(60_000);
      await stopped;
    }
    process.life.end();
    await this.#start();
  }

  async #start(): Promise<void> {
    for (;;) {
      const process = this.#spawn();
      this.#process = process;
      if ((await this.#untilDeath(process.engine.start())) !== 'died') break;
    }
    await this.#settle();
  }

  #spawn(): Process {
    const chance = this.#chance;
    const life = drawLife(chance, !this.#calm && chance.isLucky(0.9), () => {
      this.crashes++;
      this.upstream.dropAll();
    });
    const clock = mortalClock(this.clock, life);
    const catalog = mortalCatalog(this.#catalog, life);
    const spool = mortalSpool(this.#spool, life, () => this.#diskFull && !this.#calm);
    const activity = new Activity();
    const engine = createEngine({
      ...{ node: 'embedded', catalog, spool, clock, pace: clock, activity, metrics: createMetrics(), log: silentLog },
      ...{ random: () => chance.next(), randomBytes: (length) => chance.bytes(length) },
      ...{ concurrency: CONCURRENCY, commitIntervalMs: 5, cancelGraceMs: 10_000, shutdownGraceMs: 10_000 },
      profile: UPSTREAM_PROFILES.anthropic,
      isCacheShared: false,
      upstream: mortalUpstream(this.upstream, life),
    });
    return { life, engine, catalog, spool, activity };
  }

  /** What a polling client sees: counters that sum up and never go back, and an end that is final. */
  async #poll(): Promise<void> {
    for (const batch of this.promised) {
      const record = await this.record(batch);
      if (record === null) {
        if (!batch.deleted) this.#violated(`${batch.id} went missing`);
        continue;
      }
      const counts = this.#process?.engine.scheduler.counts(batch.id) ?? record.counts;
      const sum = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired;
      if (sum !== batch.customIds.length) this.#violated(`${batch.id} counts ${sum} of ${batch.customIds.length}`);
      if (batch.ended && record.status !== 'ended') this.#violated(`${batch.id} was ended and is ${record.status}`);
      const seen = batch.seen;
      const isBack = seen !== null && SETTLED.some((name) => counts[name] < seen[name]);
      if (isBack) this.#violated(`${batch.id} went back from ${JSON.stringify(seen)} to ${JSON.stringify(counts)}`);
      batch.seen = counts;
      batch.ended = record.status === 'ended';
    }
  }

  async #advance(ms: number): Promise<void> {
    await this.#settle();
    await this.clock.advance(ms, () => this.#settle());
  }

  /** Rest, or as much of it as a dead process allows: its promises stay open for ever. */
  async #settle(): Promise<void> {
    await this.#untilDeath((this.#process as Process).activity.quiet());
  }

  async #untilDeath<T>(promise: Promise<T>): Promise<T | 'died'> {
    const { life } = this.#process as Process;
    let outcome: { value: T } | null = null;
    let failure: { error: unknown } | null = null;
    promise.then(
      (value) => (outcome = { value }),
      (error: unknown) => (failure = { error }),
    );
    for (let turns = 0; outcome === null && failure === null; turns++) {
      if (!life.isAlive) return 'died';
      if (turns > TURNS_LIMIT)
        throw new Error(`nothing came of it in ${turns} turns; batches: ${this.promised.length}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (failure !== null) throw (failure as { error: unknown }).error;
    return (outcome as unknown as { value: T }).value;
  }

  #pickLive(): Promised | null {
    const live = this.promised.filter((batch) => !batch.ended && !batch.deleted);
    return live.length === 0 ? null : this.#chance.pick(live);
  }

  #nowUs(): MicrosecondsUtc {
    return microsecondsFromMs(this.clock.now());
  }

  #violated(what: string): void {
    this.violations.push(what);
  }
}

/** Long enough to be cached: what batches share, or do not. */
const DOCUMENTS = ['first', 'second'].map((name) => `${name} `.padEnd(6000, 'lorem ipsum '));
const MARKERS = ['respect', 'auto', 'off'] as const;

function contentOf(customId: string, shared: string | null): string | readonly object[] {
  if (shared === null) return customId;
  return [
    { type: 'text', text: shared, cache_control: { type: 'ephemeral' } },
    { type: 'text', text: customId },
  ];
}

const SETTLED = ['succeeded', 'errored', 'canceled', 'expired'] as const;
