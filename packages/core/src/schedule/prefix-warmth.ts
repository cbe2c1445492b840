import type { PrefixPlan } from '../prefix/prefix-plan.ts';
import { BackoffHeap } from './backoff-heap.ts';
import { ClassLesson } from './class-lesson.ts';
import type { PrefixUsage } from './turn.ts';
import { isGated, type UpstreamProfile } from './upstream-profile.ts';
import { WARM_STATE, type WarmState } from './warm-state.ts';
import { WarmPrefixes } from './warm-prefixes.ts';
import { WatchList, type WarmthWatcher } from './watch-list.ts';

/**
 * What is known of the cache of one scope, prefix by prefix, shared by the schedules of all its batches: a prefix warm
 * from one batch is warm for the others, and no two of them lead it at once.
 *
 * It is a belief, and each answer corrects it. A belief too low costs a wait, one too high costs a second write; hence
 * a prefix counts as expired a little early, and a use counts from its start and only once its first byte has come.
 */
export class PrefixWarmth {
  readonly profile: UpstreamProfile;
  /** Whether followers wait for their leader at all. */
  readonly isGated: boolean;
  readonly #prefixes = new WarmPrefixes();
  readonly #watching = new WatchList();
  readonly #lessons: ClassLesson[] = [];
  readonly #lessonOf = new Map<string, number>();
  /** Opened while no read of their model was ever seen to hit. */
  readonly #unproven = new Set<number>();
  readonly #expiries = new BackoffHeap();
  readonly #deadlines = new BackoffHeap((prefix) => isHeld(this.state(prefix)));
  #leaderFirstByteMs = 0;
  #leaderDeviationMs = 0;
  /** Prefixes that were led and have requests waiting, in all schedules of the scope. */
  openGroups = 0;

  constructor(profile: UpstreamProfile) {
    this.profile = profile;
    this.isGated = isGated(profile);
  }

  /** Prefixes known: those of running batches, and those that others may still find warm. */
  get size(): number {
    return this.#prefixes.size;
  }

  /** Mean time that leaders take to their first byte: they prefill what their followers read. */
  get leaderFirstByteMs(): number {
    return this.#leaderFirstByteMs;
  }

  /** A leader silent for as long is joined by another. */
  get gateTimeoutMs(): number {
    return Math.max(LEAST_GATE_TIMEOUT_MS, 3 * (this.#leaderFirstByteMs + 4 * this.#leaderDeviationMs));
  }

  /** The earliest moment at which time alone may let somebody go, or null. */
  nextDeadlineMs(): number | null {
    return this.#deadlines.nextAt();
  }

  /** Numbers for a plan's nodes; the watcher hears of every change of theirs. */
  attach(plan: PrefixPlan, watcher: WarmthWatcher): Int32Array {
    return Int32Array.from({ length: plan.nodeCount }, (_, node) => {
      const prefix = this.#prefixes.numberOf(plan.hash[node] as number) ?? this.#learnOf(plan, node);
      this.#watching.add(prefix, watcher, node);
      return prefix;
    });
  }

  /** Forgets what nobody watches and nobody could find warm any more. */
  detach(prefixes: Int32Array, watcher: WarmthWatcher): void {
    for (const prefix of prefixes) {
      this.#watching.remove(prefix, watcher);
      this.#forgetIfIdle(prefix);
    }
    this.#watching.forget(watcher);
  }

  state(prefix: number): WarmState {
    return this.#prefixes.state[prefix] as WarmState;
  }

  /** When it expires if nobody uses it again and all that use it now succeed; Infinity: it does not expire. */
  expiresMs(prefix: number): number {
    return (this.#prefixes.askedMs[prefix] as number) + (this.#prefixes.ttlMs[prefix] as number) - EXPIRY_SLACK_MS;
  }

  /** Whether it is cold although a leader is under way, because that has been silent for too long. */
  isOverdue(prefix: number): boolean {
    return this.state(prefix) === WARM_STATE.cold && (this.#prefixes.leaders[prefix] as number) > 0;
  }

  ttlOf(ttlClass: number): number {
    const { short, long } = this.profile.ttlMs;
    return (ttlClass === 0 ? short : long) ?? Number.POSITIVE_INFINITY;
  }

  /** Lets time pass: what expired is cold, what settled is warm, who was silent for too long is joined. */
  advance(nowMs: number): void {
    for (let prefix = this.#expiries.popDue(nowMs); prefix !== null; prefix = this.#expiries.popDue(nowMs)) {
      this.#expire(prefix, nowMs);
    }
    for (let prefix = this.#deadlines.popDue(nowMs); prefix !== null; prefix = this.#deadlines.popDue(nowMs)) {
      this.#pass(prefix, nowMs);
    }
  }

  /** A call goes out that will write the prefix; `tokens` of its prompt may have to be read before its first byte. */
  lead(prefix: number, ttlMs: number, tokens: number, nowMs: number): void {
    const { leaders, ttlMs: lives } = this.#prefixes;
    leaders[prefix] = (leaders[prefix] as number) + 1;
    lives[prefix] = ttlMs;
    if (!this.isGated) return this.confirm(prefix, nowMs, nowMs);
    this.#arm(prefix, nowMs + this.gateTimeoutMs + tokens / SLOW_TOKENS_PER_MS);
    this.#set(prefix, WARM_STATE.warming);
  }

  /** The leader's call has begun only now: its silence counts from here. */
  leadStarted(prefix: number, lateMs: number): void {
    if (this.state(prefix) !== WARM_STATE.warming || lateMs === 0) return;
    this.#arm(prefix, (this.#prefixes.deadlineMs[prefix] as number) + lateMs);
  }

  /** A leader has shown its first byte, or never will. Where it was the only one, another may lead. */
  leadOver(prefix: number): void {
    const { leaders } = this.#prefixes;
    leaders[prefix] = (leaders[prefix] as number) - 1;
    if (leaders[prefix] === 0 && this.state(prefix) === WARM_STATE.warming) this.#set(prefix, WARM_STATE.cold);
    this.#forgetIfIdle(prefix);
  }

  leaderTook(firstByteMs: number): void {
    if (this.#leaderFirstByteMs === 0) this.#leaderFirstByteMs = firstByteMs;
    const apart = firstByteMs - this.#leaderFirstByteMs;
    this.#leaderFirstByteMs += apart / 8;
    this.#leaderDeviationMs += (Math.abs(apart) - this.#leaderDeviationMs) / 4;
  }

  /** A call that uses the prefix goes out. */
  asked(prefix: number, nowMs: number): void {
    this.#prefixes.askedMs[prefix] = nowMs;
  }

  /** A use came to nothing: it has not kept the prefix alive. */
  notUsed(prefix: number): void {
    const { askedMs, usedMs } = this.#prefixes;
    if (askedMs[prefix] === usedMs[prefix]) return;
    askedMs[prefix] = usedMs[prefix] as number;
    if (this.state(prefix) === WARM_STATE.warm) this.#watching.tellSooner(prefix);
  }

  /** A call that began at `startedMs` has read or written the prefix. */
  confirm(prefix: number, startedMs: number, nowMs: number): void {
    const { usedMs, askedMs, ttlMs, isTimed } = this.#prefixes;
    const state = this.state(prefix);
    if (state === WARM_STATE.dead) return;
    usedMs[prefix] = Math.max(usedMs[prefix] as number, startedMs);
    askedMs[prefix] = Math.max(askedMs[prefix] as number, startedMs);
    const expiresMs = usedMs[prefix] + (ttlMs[prefix] as number) - EXPIRY_SLACK_MS;
    if (state === WARM_STATE.warm || state === WARM_STATE.settling || expiresMs <= nowMs) return;
    if (isTimed[prefix] === 0 && expiresMs !== Number.POSITIVE_INFINITY) {
      isTimed[prefix] = 1;
      this.#expiries.push(prefix, expiresMs);
    }
    this.#open(prefix, nowMs);
  }

  /** A call goes out to read the prefix; `leads`: and to write others. */
  spend(prefix: number, leads: boolean, nowMs: number): void {
    const { permits } = this.#prefixes;
    if (this.#unproven.has(prefix)) this.#try(prefix, leads, nowMs);
    if ((permits[prefix] as number) <= 0) return;
    permits[prefix] = (permits[prefix] as number) - 1;
    if (permits[prefix] !== 0 || this.state(prefix) !== WARM_STATE.warm) return;
    this.#arm(prefix, nowMs + this.gateTimeoutMs);
    this.#set(prefix, WARM_STATE.settling);
  }

  /** More followers may go, since one of those that went is known to have read, or to have come to nothing. */
  grant(prefix: number, more: number, nowMs: number): void {
    const { permits, settledAtMs } = this.#prefixes;
    if (this.#unproven.has(prefix)) this.#tried(prefix, more, nowMs);
    if (permits[prefix] === UNLIMITED) return;
    const granted = (permits[prefix] as number) + more;
    permits[prefix] = granted > TRUSTED_PERMITS ? UNLIMITED : granted;
    if (this.state(prefix) === WARM_STATE.settling && nowMs >= (settledAtMs[prefix] as number)) {
      this.#set(prefix, WARM_STATE.warm);
    }
  }

  /** Judges whether a call that should have read the prefix did, and learns from it. */
  judgeRead(prefix: number, usage: PrefixUsage | null, startedMs: number, nowMs: number): void {
    const { warmSinceMs } = this.#prefixes;
    if (usage === null || !this.#isTelling) return this.grant(prefix, 2, nowMs);
    const lesson = this.#lessonFor(prefix);
    const ageMs = Math.max(0, startedMs - (warmSinceMs[prefix] as number));
    if (this.#hasRead(prefix, usage)) {
      lesson.hit(ageMs);
      return this.grant(prefix, 2, nowMs);
    }
    lesson.miss(ageMs);
    if (lesson.neverHits) this.#buryClass(prefix);
    this.grant(prefix, 1, nowMs);
  }

  /** A follower that wrote nothing has read all of the prefix: from now on its size is known. */
  measured(prefix: number, usage: PrefixUsage | null): void {
    if (usage === null || usage.createdTokens > 0 || usage.readTokens === 0) return;
    const { measured } = this.#prefixes;
    const before = measured[prefix] as number;
    measured[prefix] = before === 0 ? usage.readTokens : Math.min(before, usage.readTokens);
  }

  /** Judges whether a leader's prompt is cached at all; false: nobody need wait for such a prefix. */
  judgeWrite(prefix: number, usage: PrefixUsage | null): boolean {
    if (usage === null || !this.#isTelling) return true;
    const lesson = this.#lessonFor(prefix);
    const tokens = this.#prefixes.tokens[prefix] as number;
    const isCached = usage.createdTokens > 0 || usage.readTokens > 0;
    if (isCached) lesson.cached(tokens);
    else if (lesson.notCached(tokens)) this.#buryClass(prefix);
    return isCached;
  }

  /** A call used a prefix that nobody waits for. Where it read something, that was a mistake to be made no more. */
  noticed(prefix: number, usage: PrefixUsage | null): void {
    if (usage === null || usage.readTokens === 0 || this.state(prefix) !== WARM_STATE.dead) return;
    const lesson = this.#lessonFor(prefix);
    lesson.cached(this.#prefixes.tokens[prefix] as number);
    lesson.hit(Number.POSITIVE_INFINITY);
  }

  /** Nobody waits for the prefix any more. */
  bury(prefix: number): void {
    this.#set(prefix, WARM_STATE.dead);
  }

  /** Whether the upstream says enough to tell a read from a write. */
  get #isTelling(): boolean {
    return this.isGated && this.profile.usage === 'full';
  }

  /** Whether it shows soon enough that a read has hit for others to wait for that. */
  get #isTried(): boolean {
    return this.#isTelling && this.profile.readyOn === 'first_byte';
  }

  /** Sizes are estimates until a follower has read the prefix; an answer that wrote nothing has read all there was. */
  #hasRead(prefix: number, { readTokens, createdTokens }: PrefixUsage): boolean {
    if (createdTokens === 0) return readTokens > 0;
    const known = this.#prefixes.measured[prefix] as number;
    return readTokens >= (known > 0 ? 0.95 * known : 0.6 * (this.#prefixes.tokens[prefix] as number));
  }

  #learnOf(plan: PrefixPlan, node: number): number {
    const prefix = this.#prefixes.add(plan.hash[node] as number);
    this.#prefixes.tokens[prefix] = plan.tokens[node] as number;
    this.#prefixes.ttlMs[prefix] = this.ttlOf(plan.ttl[node] as number);
    this.#prefixes.permits[prefix] = UNLIMITED;
    this.#prefixes.lesson[prefix] = this.#lessonNumber(plan.models[plan.model[node] as number] ?? '');
    if (this.#isHopeless(prefix)) this.#prefixes.state[prefix] = WARM_STATE.dead;
    return prefix;
  }

  #lessonNumber(model: string): number {
    const known = this.#lessonOf.get(model);
    if (known !== undefined) return known;
    this.#lessonOf.set(model, this.#lessons.length);
    return this.#lessons.push(new ClassLesson()) - 1;
  }

  #lessonFor(prefix: number): ClassLesson {
    return this.#lessons[this.#prefixes.lesson[prefix] as number] as ClassLesson;
  }

  #isHopeless(prefix: number): boolean {
    const lesson = this.#lessonFor(prefix);
    return lesson.neverHits || lesson.isTooSmall(this.#prefixes.tokens[prefix] as number);
  }

  /** What was learned of one prefix releases all of its model that it holds for. */
  #buryClass(like: number): void {
    const { lesson, end } = this.#prefixes;
    for (let prefix = 0; prefix < end; prefix++) {
      if (lesson[prefix] !== lesson[like] || !this.#prefixes.isKnown(prefix)) continue;
      if (this.state(prefix) !== WARM_STATE.dead && this.#isHopeless(prefix)) this.bury(prefix);
    }
  }

  #open(prefix: number, nowMs: number): void {
    const lesson = this.#lessonFor(prefix);
    const settledAtMs = nowMs + (this.isGated ? lesson.settleMs : 0);
    this.#prefixes.warmSinceMs[prefix] = nowMs;
    this.#prefixes.settledAtMs[prefix] = settledAtMs;
    this.#prefixes.permits[prefix] = this.isGated && lesson.isDoubtful ? 1 : UNLIMITED;
    if (this.#isTried && !lesson.hasHit) this.#unproven.add(prefix);
    if (lesson.isOnTrial) this.#arm(prefix, nowMs + this.gateTimeoutMs);
    if (settledAtMs > nowMs) this.#deadlines.push(prefix, settledAtMs);
    this.#set(prefix, settledAtMs > nowMs || lesson.isOnTrial ? WARM_STATE.settling : WARM_STATE.warm);
  }

  /** While nothing is proven, few may go; who leads is let through, since all below waits for it. */
  #try(prefix: number, leads: boolean, nowMs: number): void {
    const lesson = this.#lessonFor(prefix);
    lesson.tried();
    if (leads || !lesson.isOnTrial) return;
    for (const other of this.#unproven) {
      if (!this.#isLikeWarm(other, prefix)) continue;
      this.#arm(other, nowMs + this.gateTimeoutMs);
      this.#set(other, WARM_STATE.settling);
    }
  }

  #isLikeWarm(other: number, prefix: number): boolean {
    return this.#prefixes.lesson[other] === this.#prefixes.lesson[prefix] && this.state(other) === WARM_STATE.warm;
  }

  /** One that went has read, or has come to nothing: who waited for that may go, all of them once one has read. */
  #tried(prefix: number, more: number, nowMs: number): void {
    const lesson = this.#lessonFor(prefix);
    lesson.triedOut(more);
    if (lesson.isOnTrial) return;
    const { lesson: lessons, permits, settledAtMs } = this.#prefixes;
    for (const other of this.#unproven) {
      if (lessons[other] !== lessons[prefix]) continue;
      if (lesson.hasHit) this.#unproven.delete(other);
      if (this.state(other) !== WARM_STATE.settling || permits[other] === 0) continue;
      if (nowMs >= (settledAtMs[other] as number)) this.#set(other, WARM_STATE.warm);
    }
  }

  #expire(prefix: number, nowMs: number): void {
    const { isTimed, usedMs, ttlMs, leaders } = this.#prefixes;
    isTimed[prefix] = 0;
    const state = this.state(prefix);
    if (state !== WARM_STATE.warm && state !== WARM_STATE.settling) return;
    const expiresMs = (usedMs[prefix] as number) + (ttlMs[prefix] as number) - EXPIRY_SLACK_MS;
    if (expiresMs > nowMs) {
      isTimed[prefix] = 1;
      this.#expiries.push(prefix, expiresMs);
      return;
    }
    const isLed = (leaders[prefix] as number) > 0;
    if (isLed) this.#arm(prefix, nowMs + this.gateTimeoutMs);
    this.#set(prefix, isLed ? WARM_STATE.warming : WARM_STATE.cold);
    this.#forgetIfIdle(prefix);
  }

  /** A deadline has come; an earlier one that was moved is not yet due. */
  #pass(prefix: number, nowMs: number): void {
    const { deadlineMs, settledAtMs, permits } = this.#prefixes;
    const isLate = nowMs >= (deadlineMs[prefix] as number);
    if (this.state(prefix) === WARM_STATE.warming) {
      if (isLate) this.#set(prefix, WARM_STATE.cold);
      return;
    }
    if (this.#lessonFor(prefix).isOnTrial && !isLate) return;
    if (permits[prefix] === 0 && isLate) permits[prefix] = 1;
    if (permits[prefix] !== 0 && nowMs >= (settledAtMs[prefix] as number)) this.#set(prefix, WARM_STATE.warm);
  }

  #arm(prefix: number, deadlineMs: number): void {
    this.#prefixes.deadlineMs[prefix] = deadlineMs;
    this.#deadlines.push(prefix, deadlineMs);
  }

  #set(prefix: number, state: WarmState): void {
    if (this.#prefixes.state[prefix] === state) return;
    this.#prefixes.state[prefix] = state;
    this.#watching.tellState(prefix, state);
  }

  #forgetIfIdle(prefix: number): void {
    if (this.#watching.isWatched(prefix) || (this.#prefixes.leaders[prefix] as number) > 0) return;
    if (!this.#prefixes.isKnown(prefix)) return;
    const isWarm = this.state(prefix) === WARM_STATE.warm || this.state(prefix) === WARM_STATE.settling;
    if (isWarm && this.#prefixes.isTimed[prefix] === 1) return;
    this.#unproven.delete(prefix);
    this.#prefixes.remove(prefix);
  }
}

const UNLIMITED = -1;

/** Followers that went well one after another, doubling: more need no leave. */
const TRUSTED_PERMITS = 512;

/** The upstream dates a use by its own clock: an entry this close to its end is not relied on. */
const EXPIRY_SLACK_MS = 2000;

const LEAST_GATE_TIMEOUT_MS = 30_000;

/** A prefill slower than this is taken for silence: long prompts are given time in proportion. */
const SLOW_TOKENS_PER_MS = 1;

const isHeld = (state: WarmState): boolean => state === WARM_STATE.warming || state === WARM_STATE.settling;
