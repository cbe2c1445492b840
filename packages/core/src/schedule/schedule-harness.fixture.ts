import type { SchedulePlan } from './leader-reach.ts';
import { PrefixSchedule } from './prefix-schedule.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import type { PrefixUsage, Room, Turn } from './turn.ts';
import { UPSTREAM_PROFILES, type UpstreamProfile } from './upstream-profile.ts';

/**
 * Runs schedules against a simulated upstream in simulated time: C places; a first byte after 1 s and 4,000 uncached
 * tokens a second; 19 s of answer after it; entries that live a while from the start of their last use. What is cached
 * is a plain map of prefixes that knows nothing of `PrefixWarmth`.
 */
export interface HarnessBatch {
  readonly plan: SchedulePlan;
  readonly atMs?: number;
  readonly cancelAtMs?: number;
}

export interface HarnessOptions {
  readonly batches: readonly HarnessBatch[];
  readonly concurrency: number;
  readonly profile?: UpstreamProfile;
  readonly answerMs?: number;
  readonly ttlMs?: number;
  /** Milliseconds from the first byte until others can read; or what share of reads fail for no reason. */
  readonly visibilityMs?: number;
  readonly loss?: number;
  /** Prefixes of fewer tokens are not cached. */
  readonly minimumTokens?: number;
  /** What becomes of a call: the nth that was started, of that request. */
  readonly fault?: (call: HarnessCall) => Fault | null;
  readonly seed?: number;
  /** Means that are known before the first call is over. */
  readonly measured?: { readonly firstByteMs: number; readonly durationMs: number };
  readonly secondWorthTokens?: number;
  /** What stands in for a schedule, to compare with. */
  readonly scheduleOf?: (plan: SchedulePlan, warmth: PrefixWarmth) => Pick<PrefixSchedule, keyof PrefixSchedule>;
}

export interface HarnessCall {
  readonly nth: number;
  readonly batch: number;
  readonly turn: Turn;
  readonly nowMs: number;
  /** How often this request was tried before. */
  readonly tries: number;
}

/** `before`: it fails after so long without a first byte. `after`: its first byte comes, then it fails. `silent`: no first byte for so long, then as usual. */
export type Fault =
  | { readonly type: 'before'; readonly afterMs: number }
  | { readonly type: 'after'; readonly afterMs: number }
  | { readonly type: 'silent'; readonly forMs: number };

export interface HarnessResult {
  readonly written: number;
  readonly read: number;
  readonly makespanMs: number;
  readonly calls: readonly HarnessCall[];
  readonly peak: number;
  /** Of each batch, how often each request was answered. */
  readonly answered: readonly Uint32Array[];
  /** Times `take` gave nothing although `isReady` had said yes. */
  readonly refusals: number;
  readonly takes: number;
  readonly warmth: PrefixWarmth;
}

/** Runs until nothing is left; throws where work is left and nothing is under way. */
export function runSchedules(options: HarnessOptions): HarnessResult {
  return new Harness(options).run();
}

interface Entry {
  readonly readyMs: number;
  usedMs: number;
}

interface Running {
  readonly plan: SchedulePlan;
  readonly schedule: Pick<PrefixSchedule, keyof PrefixSchedule>;
  readonly answered: Uint32Array;
  readonly tries: Uint8Array;
  isCanceled: boolean;
}

class Harness {
  readonly #options: HarnessOptions;
  readonly #warmth: PrefixWarmth;
  readonly #cache = new Map<number, Entry>();
  readonly #events = new EventQueue();
  readonly #batches: Running[] = [];
  readonly #calls: HarnessCall[] = [];
  readonly #means = { firstByteMs: 1000, durationMs: 20_000, firstBytes: 0, durations: 0 };
  #chance: number;
  #nowMs = 0;
  #endMs = 0;
  #inFlight = 0;
  /** Calls in flight whose first byte, or whatever opens the gate, has not come. */
  #awaited = 0;
  #peak = 0;
  #written = 0;
  #read = 0;
  #refusals = 0;
  #takes = 0;
  #turn = 0;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(options: HarnessOptions) {
    this.#options = options;
    this.#warmth = new PrefixWarmth(options.profile ?? UPSTREAM_PROFILES.anthropic);
    this.#chance = options.seed ?? 1;
    if (options.measured !== undefined) Object.assign(this.#means, options.measured);
  }

  run(): HarnessResult {
    this.#options.batches.forEach(({ atMs = 0 }, number) => this.#events.push(atMs, () => this.#arrive(number)));
    for (let event = this.#events.pop(); event !== null; event = this.#events.pop()) {
      this.#nowMs = event.atMs;
      event.happen();
      if (this.#events.nextMs() > this.#nowMs) this.#pump();
    }
    return {
      written: this.#written,
      read: this.#read,
      makespanMs: this.#endMs,
      calls: this.#calls,
      peak: this.#peak,
      answered: this.#batches.map(({ answered }) => answered),
      refusals: this.#refusals,
      takes: this.#takes,
      warmth: this.#warmth,
    };
  }

  #arrive(number: number): void {
    const { plan, cancelAtMs } = this.#options.batches[number] as HarnessBatch;
    const schedule =
      this.#options.scheduleOf?.(plan, this.#warmth) ?? new PrefixSchedule(plan, this.#warmth, () => true);
    const [answered, tries] = [new Uint32Array(plan.requestCount), new Uint8Array(plan.requestCount)];
    this.#batches[number] = { plan, schedule, answered, tries, isCanceled: false };
    if (cancelAtMs !== undefined) this.#events.push(cancelAtMs, () => this.#cancel(number));
  }

  #cancel(number: number): void {
    const batch = this.#batches[number] as Running;
    batch.isCanceled = true;
    batch.schedule.close();
  }

  #room(): Room {
    const { firstByteMs, durationMs } = this.#means;
    const { concurrency, secondWorthTokens = 0 } = this.#options;
    return {
      nowMs: this.#nowMs,
      idle: concurrency - this.#inFlight,
      concurrency,
      firstByteMs,
      durationMs,
      secondWorthTokens,
    };
  }

  /** Batches take turns, as they do under fair share. */
  #pump(): void {
    let refused = 0;
    while (this.#inFlight < this.#options.concurrency && refused < this.#options.batches.length) {
      const number = this.#turn++ % this.#options.batches.length;
      const schedule = this.#batches[number]?.schedule;
      const isReady = schedule?.isReady(this.#nowMs) ?? false;
      this.#takes += 1;
      const turn = schedule?.take(this.#room()) ?? null;
      if (isReady && turn === null) this.#refusals += 1;
      refused = turn === null ? refused + 1 : 0;
      if (turn !== null) this.#start(number, turn);
    }
    this.#wake();
  }

  /** Liveness: with work queued and places idle, something is under way or time will help. */
  #wake(): void {
    const queued = this.#batches.some((batch) => batch !== undefined && batch.schedule.size > 0);
    const wakes = this.#batches.map((batch) => batch?.schedule.nextWakeMs() ?? Number.POSITIVE_INFINITY);
    const wakeMs = Math.min(Number.POSITIVE_INFINITY, ...wakes);
    const isIdle = queued && this.#inFlight < this.#options.concurrency;
    if (isIdle && this.#awaited === 0 && wakeMs - this.#nowMs > Math.max(LONGEST_SETTLE_MS, this.#means.durationMs)) {
      throw new Error(`at ${this.#nowMs} ms requests are queued, places idle, and nobody's first byte is awaited`);
    }
    if (!queued || wakeMs === Number.POSITIVE_INFINITY || this.#inFlight === this.#options.concurrency) return;
    if (wakeMs <= this.#nowMs) throw new Error(`woken for ${wakeMs} ms, and at ${this.#nowMs} ms nothing was done`);
    if (wakeMs >= this.#wakeMs && this.#wakeMs > this.#nowMs) return;
    this.#wakeMs = wakeMs;
    this.#events.push(wakeMs, () => undefined);
  }

  #start(number: number, turn: Turn): void {
    const batch = this.#batches[number] as Running;
    const tries = batch.tries[turn.request] as number;
    const call: HarnessCall = { nth: this.#calls.length, batch: number, turn, nowMs: this.#nowMs, tries };
    this.#calls.push(call);
    batch.tries[turn.request] = tries + 1;
    this.#inFlight += 1;
    this.#awaited += 1;
    this.#peak = Math.max(this.#peak, this.#inFlight);
    batch.schedule.started(turn.request, this.#nowMs);
    const fault = this.#options.fault?.(call) ?? null;
    const fail = (): void => {
      this.#awaited -= 1;
      this.#fail(batch, turn.request);
    };
    if (fault?.type === 'before') this.#events.push(this.#nowMs + fault.afterMs, fail);
    else this.#answer(batch, turn.request, fault);
  }

  #answer(batch: Running, request: number, fault: Fault | null): void {
    const path = this.#path(batch.plan, request);
    const startedMs = this.#nowMs;
    const longest = path[0] === undefined ? 0 : (batch.plan.tokens[path[0]] as number);
    const writes = path.slice(0, batch.plan.reach?.[request] ?? path.length);
    const read = this.#lookUp(batch.plan, path);
    const uncached = longest - read + (batch.plan.suffixTokens[request] as number);
    const firstByteMs = 1000 + uncached / 4 + (fault?.type === 'silent' ? fault.forMs : 0);
    const failLate = (): void => {
      if (this.#isGatedByEnd) this.#awaited -= 1;
      this.#fail(batch, request);
    };
    const usage = { readTokens: read, createdTokens: writes.length > 0 ? longest - read : 0 };
    this.#events.push(startedMs + firstByteMs, () => {
      this.#mean('firstByteMs', 'firstBytes', firstByteMs);
      this.#keep(batch.plan, writes, startedMs);
      if (!this.#isGatedByEnd) this.#awaited -= 1;
      this.#written += usage.createdTokens;
      this.#read += usage.readTokens;
      batch.schedule.firstByte(request, this.#shown(usage), this.#nowMs);
      if (fault?.type === 'after') return this.#events.push(this.#nowMs + fault.afterMs, failLate);
      this.#events.push(this.#nowMs + this.#answerMs, () => this.#succeed(batch, request, usage, startedMs));
    });
  }

  get #answerMs(): number {
    return this.#options.answerMs ?? 19_000;
  }

  #shown(usage: PrefixUsage): PrefixUsage | null {
    return this.#warmth.profile.usage === 'none' ? null : usage;
  }

  #succeed(batch: Running, request: number, usage: PrefixUsage, startedMs: number): void {
    this.#mean('durationMs', 'durations', this.#nowMs - startedMs);
    this.#inFlight -= 1;
    if (this.#isGatedByEnd) this.#awaited -= 1;
    this.#endMs = this.#nowMs;
    batch.answered[request] = (batch.answered[request] as number) + 1;
    batch.schedule.ended(request, this.#shown(usage), this.#nowMs);
  }

  #fail(batch: Running, request: number): void {
    this.#inFlight -= 1;
    batch.schedule.ended(request, null, this.#nowMs);
    if (!batch.isCanceled) batch.schedule.push(request);
  }

  #mean(name: 'firstByteMs' | 'durationMs', count: 'firstBytes' | 'durations', value: number): void {
    this.#means[count] += 1;
    this.#means[name] += (value - this.#means[name]) / Math.min(100, this.#means[count]);
  }

  /** The nodes a request marks that are large enough, deepest first. */
  #path(plan: SchedulePlan, request: number): number[] {
    const path: number[] = [];
    for (let node = plan.anchor[request] as number; node !== -1; node = plan.parent[node] as number) {
      if ((plan.tokens[node] as number) >= (this.#options.minimumTokens ?? 0)) path.push(node);
    }
    return path;
  }

  #lookUp(plan: SchedulePlan, path: readonly number[]): number {
    for (const node of path) {
      const entry = this.#cache.get(plan.hash[node] as number);
      if (entry === undefined || entry.readyMs > this.#nowMs || !this.#isAlive(entry, this.#nowMs)) continue;
      return this.#draw() < (this.#options.loss ?? 0) ? 0 : (plan.tokens[node] as number);
    }
    return 0;
  }

  #keep(plan: SchedulePlan, path: readonly number[], startedMs: number): void {
    for (const node of path) {
      const hash = plan.hash[node] as number;
      const entry = this.#cache.get(hash);
      if (entry !== undefined && this.#isAlive(entry, startedMs)) entry.usedMs = Math.max(entry.usedMs, startedMs);
      else this.#cache.set(hash, { readyMs: this.#readyMs, usedMs: startedMs });
    }
  }

  get #readyMs(): number {
    const { profile, visibilityMs = 0 } = this.#options;
    return (
      this.#nowMs +
      (profile?.readyOn === 'allocation' ? Number.NEGATIVE_INFINITY : 0) +
      (this.#isGatedByEnd ? this.#answerMs : visibilityMs)
    );
  }

  get #isGatedByEnd(): boolean {
    return this.#warmth.profile.readyOn === 'completion';
  }

  #isAlive(entry: Entry, atMs: number): boolean {
    return atMs < entry.usedMs + (this.#options.ttlMs ?? 300_000);
  }

  /** A linear congruential generator: the same seed gives the same run. */
  #draw(): number {
    this.#chance = (Math.imul(this.#chance, 1664525) + 1013904223) >>> 0;
    return this.#chance / 2 ** 32;
  }
}

/** The longest that followers wait after a first byte. */
const LONGEST_SETTLE_MS = 8000;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
}

/** A binary heap; what is due in the same moment happens in the order it was put in. */
class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  push(atMs: number, happen: () => void): void {
    const event = { atMs, order: this.#order++, happen };
    let hole = this.#heap.length;
    this.#heap.push(event);
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      if (isBefore(this.#heap[above] as Event, event)) break;
      this.#heap[hole] = this.#heap[above] as Event;
      hole = above;
    }
    this.#heap[hole] = event;
  }

  pop(): Event | null {
    const [first, last] = [this.#heap[0], this.#heap.pop()];
    if (first === undefined || last === undefined) return null;
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(event: Event): void {
    let hole = 0;
    for (let below = 1; below < this.#heap.length; below = 2 * hole + 1) {
      const right = this.#heap[below + 1];
      if (right !== undefined && isBefore(right, this.#heap[below] as Event)) below += 1;
      if (isBefore(event, this.#heap[below] as Event)) break;
      this.#heap[hole] = this.#heap[below] as Event;
      hole = below;
    }
    this.#heap[hole] = event;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
