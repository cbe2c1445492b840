import { ExpiryWatch } from './expiry-watch.ts';
import { LeaderReach, type SchedulePlan } from './leader-reach.ts';
import { PrefixCalls } from './prefix-calls.ts';
import { PrefixFrontier } from './prefix-frontier.ts';
import { prefixTree, type PrefixTree } from './prefix-tree.ts';
import type { PrefixWarmth } from './prefix-warmth.ts';
import { queueRequests } from './request-queues.ts';
import { RequestLists } from './request-lists.ts';
import { StartSpread } from './start-spread.ts';
import type { PrefixUsage, Room, Turn, TurnReason } from './turn.ts';
import { WARM_STATE, type WarmState } from './warm-state.ts';

/**
 * Which request of a shard goes next, so that each prefix is written once: one request leads a cold prefix, the others
 * follow once it is warm, and what shares nothing is never held back. SPEC.md S1–S15.
 *
 * Of each request taken, `started`, `firstByte` and `ended` are reported in this order, each at most once; `ended`
 * always, also for a call that never began. What is to be tried again is pushed after that.
 *
 * Invariant: while requests are queued, one of them is ready, or a call that others wait for is in flight, or
 * `nextWakeMs` names a moment. Nobody waits for what nobody is doing.
 */
export class PrefixSchedule {
  readonly #plan: SchedulePlan;
  readonly #reach: LeaderReach;
  readonly #warmth: PrefixWarmth;
  readonly #tree: PrefixTree;
  /** Each node's own requests under its number, and under the next one those that wait for nobody. */
  readonly #lists: RequestLists;
  readonly #alone: number;
  readonly #frontier: PrefixFrontier;
  readonly #expiry: ExpiryWatch;
  readonly #spread = new StartSpread();
  /** The plan's nodes by the numbers the scope knows them by. */
  readonly #prefixes: Int32Array;
  readonly #calls: PrefixCalls;
  #nowMs = 0;
  /** Nothing goes before this although something is ready: calls are being spread. */
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #countedGroups = 0;
  #isClosed = false;
  #isAttached = true;
  #isTaking = false;
  /** Whether somebody may go although what he waits for is under way. */
  #isImpatient = false;
  #wasReady = false;
  /** Told when something here became ready through another batch's call, or through time. */
  onReadiness: (() => void) | null = null;

  /** Queues those of the plan's requests that are pending now, in submission order. */
  constructor(plan: SchedulePlan, warmth: PrefixWarmth, isPending: (request: number) => boolean) {
    this.#plan = plan;
    this.#warmth = warmth;
    this.#reach = new LeaderReach(plan);
    this.#tree = prefixTree(plan);
    this.#alone = plan.nodeCount;
    this.#lists = new RequestLists(plan.requestCount, plan.nodeCount + 1);
    this.#prefixes = warmth.attach(plan, this);
    this.#calls = new PrefixCalls(plan, this.#reach, warmth, this.#prefixes);
    queueRequests(this.#lists, plan, this.#reach, isPending);
    this.#frontier = new PrefixFrontier(this.#tree, this.#lists, this.#reach);
    this.#expiry = new ExpiryWatch(plan.nodeCount, (node) => this.#dueMs(node));
    for (let node = 0; node < plan.nodeCount; node++) {
      this.stateChanged(node, warmth.state(this.#prefixes[node] as number));
    }
  }

  /** Requests queued, those that wait for a leader included. */
  get size(): number {
    return this.#isClosed ? 0 : this.#lists.size;
  }

  /** Requests queued whose prefix is not warm: they wait for a leader, or to be one. */
  get waitingForLeader(): number {
    return this.size === 0 ? 0 : this.size - this.#frontier.readyRequests - this.#lists.count(this.#alone);
  }

  /** Prefixes that were led, here or elsewhere, and have requests waiting. */
  get openPrefixes(): number {
    return this.#isClosed ? 0 : this.#frontier.openGroups;
  }

  /** Whether `take` would hand one out. */
  isReady(nowMs: number): boolean {
    this.#advance(nowMs);
    return nowMs >= this.#restUntilMs && this.#hasReady;
  }

  /** The next moment at which time alone may make something ready, or null. */
  nextWakeMs(): number | null {
    if (this.size === 0) return null;
    const deadlineMs = this.#warmth.nextDeadlineMs() ?? Number.POSITIVE_INFINITY;
    const restMs = this.#restUntilMs > this.#nowMs ? this.#restUntilMs : Number.POSITIVE_INFINITY;
    const wakeMs = Math.min(deadlineMs, restMs);
    return wakeMs === Number.POSITIVE_INFINITY ? null : wakeMs;
  }

  /** Hands out the request to send now, or null. */
  take(room: Room): Turn | null {
    this.#advance(room.nowMs);
    if (room.idle <= 0 || this.size === 0) return null;
    this.#restUntilMs = Number.POSITIVE_INFINITY;
    this.#isTaking = true;
    const turn =
      this.#nearestExpiry(room) ??
      this.#lookAhead(room) ??
      this.#follower(room) ??
      this.#filler(room) ??
      this.#leader(room) ??
      this.#notWorthWaiting(room);
    this.#isTaking = false;
    this.#isImpatient = (room.secondWorthTokens ?? 0) > 0;
    this.#rest(turn === null, room.nowMs);
    this.#changed();
    return turn;
  }

  /** Puts a request back behind the others of its prefix: to be tried again, or not tried at all. */
  push(request: number): void {
    if (this.#isClosed) return;
    if (this.#calls.has(request)) this.ended(request, null, this.#nowMs);
    this.#restUntilMs = Number.NEGATIVE_INFINITY;
    const anchor = this.#plan.anchor[request] as number;
    const isAlone = anchor === -1 || this.#frontier.state(anchor) === WARM_STATE.dead;
    if (isAlone) this.#lists.push(this.#alone, request);
    else {
      // Where few can lead, one of them must not stand behind those that cannot.
      if (!this.#reach.isUniform && this.#reach.of(request) > 0) this.#lists.unshift(anchor, request);
      else this.#lists.push(anchor, request);
      this.#frontier.countChanged(anchor, 1);
      this.#watch(anchor);
    }
    this.#changed();
  }

  /** The request's call has begun. */
  started(request: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#calls.started(request, nowMs);
  }

  /** The call's first byte is here, with what it says it read and wrote, if it says so. */
  firstByte(request: number, usage: PrefixUsage | null, nowMs: number): void {
    this.#advance(nowMs);
    this.#calls.firstByte(request, usage, nowMs);
    this.#restUntilMs = Number.NEGATIVE_INFINITY;
    this.#changed();
  }

  /** The call is over. `usage` is null when it failed; after a first byte that changes nothing. */
  ended(request: number, usage: PrefixUsage | null, nowMs: number): void {
    this.#advance(nowMs);
    this.#calls.ended(request, usage, nowMs);
    this.#restUntilMs = Number.NEGATIVE_INFINITY;
    this.#changed();
    this.#detachIfOver();
  }

  /**
   * Hands out no more. What a call not yet begun was to lead is passed on; calls in flight still report, since other
   * batches may wait for them.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#warmth.openGroups -= this.#countedGroups;
    this.#calls.abandon();
    this.#detachIfOver();
  }

  /** What the scope knows of a node has changed, through this batch or another. */
  stateChanged(node: number, state: WarmState): void {
    if (this.#isClosed) return;
    this.#restUntilMs = Number.NEGATIVE_INFINITY;
    this.#frontier.setState(node, state);
    if (state === WARM_STATE.dead) this.#release(node);
    if (state === WARM_STATE.warm) this.#watch(node);
    if (state === WARM_STATE.cold) this.#watch(this.#tree.parent[node] as number);
    this.#changed();
  }

  /** A use of a node, by this batch or another, has come to nothing. */
  expiresSooner(node: number): void {
    if (!this.#isClosed) this.#expiry.moved(node);
  }

  /** A prefix about to expire is used: by a follower of its own, or by the leader of one below it. */
  #nearestExpiry(room: Room): Turn | null {
    const soonMs = Math.max(
      0,
      DURATIONS_AHEAD * room.durationMs - EXPIRY_SHARE * (this.#warmth.profile.ttlMs.short ?? 0),
    );
    const node = this.#expiry.popDue(room.nowMs + soonMs);
    if (node === -1) return null;
    const turn = this.#prolong(node, room);
    this.#watch(node);
    return turn;
  }

  #prolong(node: number, room: Room): Turn | null {
    if (!this.#frontier.isReady(node)) return this.#lead(this.#frontier.coldChild(node), room, 'nearest_expiry');
    return this.#startsMs(node, room) <= room.nowMs ? this.#give(node, room, 'nearest_expiry') : null;
  }

  /**
   * Leads the next prefix while there is work left for as long as its first byte takes; towards the end, before all
   * else, so that what begins last is nothing that others wait for.
   */
  #lookAhead(room: Room): Turn | null {
    if (!this.#warmth.isGated) return null;
    const firstByteMs = Math.max(room.firstByteMs, this.#warmth.leaderFirstByteMs);
    const isLate = this.size <= LAST_ROUNDS * room.concurrency;
    const isStocked = this.#frontier.readyRequests * room.durationMs >= room.concurrency * firstByteMs;
    if (isStocked && !isLate) return null;
    const node = this.#frontier.leadableNode();
    if (node === -1 || this.#warmth.openGroups >= this.#groupLimit(node, room)) return null;
    return this.#lead(
      node,
      room,
      this.#frontier.readyRequests + this.#lists.count(this.#alone) > 0 ? 'look_ahead' : 'leads',
    );
  }

  #follower(room: Room): Turn | null {
    let looked = 0;
    for (
      let node = this.#frontier.readyNode();
      node !== -1;
      node = this.#frontier.readyNode((this.#tree.rank[node] as number) + 1)
    ) {
      const startsMs = this.#startsMs(node, room);
      if (startsMs <= room.nowMs) return this.#give(node, room, 'warm');
      this.#restUntilMs = Math.min(this.#restUntilMs, startsMs);
      if (++looked === GROUPS_LOOKED_AT) return null;
    }
    return null;
  }

  #filler(room: Room): Turn | null {
    const request = this.#lists.shift(this.#alone);
    if (request === -1) return null;
    if (this.#plan.anchor[request] === -1) return { request, role: 'filler', reason: 'single_use' };
    this.#calls.takenAlone(request, room.nowMs);
    return { request, role: 'filler', reason: 'never_caches' };
  }

  #leader(room: Room): Turn | null {
    const node = this.#frontier.leadableNode();
    if (node === -1) return null;
    const limit = this.#spread.groupLimit(room, this.#ttlMs(node));
    if (this.#warmth.openGroups < limit) return this.#lead(node, room, 'leads');
    this.#restUntilMs = Math.min(this.#restUntilMs, room.nowMs + LOOK_AGAIN_MS);
    return null;
  }

  /** A follower goes without waiting where the places that stay idle cost more than what is written twice. */
  #notWorthWaiting(room: Room): Turn | null {
    const secondWorth = room.secondWorthTokens ?? 0;
    const node = secondWorth > 0 ? this.#frontier.heldNode() : -1;
    if (node === -1) return null;
    const waiting = this.#lists.count(node);
    const saved = waiting * WRITE_OVER_READ * this.#ownTokens(node);
    const lostMs = (room.firstByteMs * Math.min(room.idle, waiting)) / room.concurrency;
    return saved * 1000 >= secondWorth * lostMs ? null : this.#give(node, room, 'not_worth_waiting');
  }

  #lead(node: number, room: Room, reason: TurnReason): Turn | null {
    if (node === -1) return null;
    const isOverdue = this.#warmth.isOverdue(this.#prefixes[node] as number);
    const turn = this.#give(this.#frontier.leaderAnchor(node), room, isOverdue ? 'gate_timeout' : reason);
    return turn.role === 'leader' ? turn : { ...turn, reason: 'not_worth_waiting' };
  }

  #give(anchor: number, room: Room, reason: TurnReason): Turn {
    const request = this.#lists.shift(anchor);
    this.#frontier.countChanged(anchor, -1);
    const isLeader = this.#calls.taken(request, room.nowMs);
    if (this.#lists.count(anchor) === 0) this.#spread.forget(anchor);
    else this.#spread.started(anchor, room, this.#ttlMs(anchor));
    return { request, role: isLeader ? 'leader' : 'follower', reason };
  }

  #startsMs(node: number, room: Room): number {
    return this.#spread.startsMs(node, room, this.#ttlMs(node), this.size, this.#warmth.openGroups);
  }

  /** Every open group must be used once in the life of its prefix; more cannot be kept warm. */
  #groupLimit(node: number, room: Room): number {
    const ttlMs = this.#ttlMs(node);
    if (ttlMs === Number.POSITIVE_INFINITY) return ttlMs;
    const marginMs = Math.max(EXPIRY_SHARE * ttlMs, DURATIONS_AHEAD * room.durationMs);
    const limit = (0.8 * (ttlMs - marginMs) * room.concurrency) / room.durationMs;
    return Math.min(limit, this.#spread.groupLimit(room, ttlMs));
  }

  /** Nobody waits for the node any more. */
  #release(node: number): void {
    this.#lists.append(node, this.#alone);
    this.#frontier.emptied(node);
    this.#spread.forget(node);
  }

  #watch(node: number): void {
    if (node !== this.#tree.top) this.#expiry.watch(node);
  }

  /** When a node must be used lest it expires, if there is anything to use it with. */
  #dueMs(node: number): number {
    if (this.#frontier.state(node) !== WARM_STATE.warm) return Number.POSITIVE_INFINITY;
    if (!this.#frontier.isReady(node) && this.#frontier.coldChild(node) === -1) return Number.POSITIVE_INFINITY;
    const ttlMs = this.#ttlMs(node);
    if (ttlMs === Number.POSITIVE_INFINITY) return ttlMs;
    return this.#warmth.expiresMs(this.#prefixes[node] as number) - EXPIRY_SHARE * ttlMs;
  }

  #ttlMs(node: number): number {
    return this.#warmth.ttlOf(this.#plan.ttl[node] as number);
  }

  #ownTokens(node: number): number {
    const above = this.#plan.parent[node] as number;
    return (this.#plan.tokens[node] as number) - (above === -1 ? 0 : (this.#plan.tokens[above] as number));
  }

  get #hasReady(): boolean {
    if (this.#isClosed) return false;
    if (this.#lists.count(this.#alone) > 0 || this.#frontier.readyRequests > 0 || this.#frontier.isLeadable)
      return true;
    return this.#isImpatient && this.#frontier.heldNode() !== -1;
  }

  #advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#warmth.advance(nowMs);
  }

  /** What is ready and was not handed out must not be asked for again in the same moment. */
  #rest(isRefused: boolean, nowMs: number): void {
    if (!isRefused || !this.#hasReady) this.#restUntilMs = Number.NEGATIVE_INFINITY;
    else if (this.#restUntilMs === Number.POSITIVE_INFINITY) this.#restUntilMs = nowMs + LOOK_AGAIN_MS;
  }

  #changed(): void {
    if (this.#isTaking || this.#isClosed) return;
    const groups = this.#frontier.openGroups;
    this.#warmth.openGroups += groups - this.#countedGroups;
    this.#countedGroups = groups;
    // Whoever rests is not ready, or nobody would be told of what ends the rest.
    const isReady = this.#nowMs >= this.#restUntilMs && this.#hasReady;
    const becameReady = isReady && !this.#wasReady;
    this.#wasReady = isReady;
    if (becameReady) this.onReadiness?.();
  }

  #detachIfOver(): void {
    if (!this.#isClosed || !this.#isAttached || !this.#calls.isEmpty) return;
    this.#isAttached = false;
    this.#warmth.detach(this.#prefixes, this);
  }
}

/** The last part of an entry's life, in which it is used before all else. */
const EXPIRY_SHARE = 0.2;

/** A place comes free once in a call's duration; what expires before the next one does must be used now. */
const DURATIONS_AHEAD = 1.25;

/** So many requests for each place are the end of a batch. */
const LAST_ROUNDS = 3;

/** Groups whose calls are being spread are few; of more, one will be found at the next look. */
const GROUPS_LOOKED_AT = 64;

/** Where other batches hold the room, this one looks again after a while: nobody tells it that they are done. */
const LOOK_AGAIN_MS = 5000;

/** What a token costs more when written than when read, in tokens. */
const WRITE_OVER_READ = 1.15;
