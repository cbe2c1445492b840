import type { PrefixPlan } from '../prefix/prefix-plan.ts';
import type { LeaderReach } from './leader-reach.ts';
import type { PrefixWarmth } from './prefix-warmth.ts';
import type { PrefixUsage } from './turn.ts';
import { WARM_STATE } from './warm-state.ts';

/**
 * The calls of one schedule that are under way, and what their progress says of the prefixes they use. The first byte
 * is the gate and its usage the proof; an upstream whose entries are readable only at the end is believed only then.
 */
export class PrefixCalls {
  readonly #plan: PrefixPlan;
  readonly #reach: LeaderReach;
  readonly #warmth: PrefixWarmth;
  /** The plan's nodes by the numbers the scope knows them by. */
  readonly #prefixes: Int32Array;
  readonly #calls = new Map<number, CallUnderWay>();

  constructor(plan: PrefixPlan, reach: LeaderReach, warmth: PrefixWarmth, prefixes: Int32Array) {
    this.#plan = plan;
    this.#reach = reach;
    this.#warmth = warmth;
    this.#prefixes = prefixes;
  }

  get isEmpty(): boolean {
    return this.#calls.size === 0;
  }

  has(request: number): boolean {
    return this.#calls.has(request);
  }

  /** A request is handed out: it leads what is cold of what it writes. Returns whether there was any. */
  taken(request: number, nowMs: number): boolean {
    const anchor = this.#plan.anchor[request] as number;
    const cold: number[] = [];
    let reads = -1;
    let writes = this.#reach.of(request);
    for (let node = anchor; node !== -1; node = this.#above(node)) {
      const prefix = this.#prefix(node);
      const state = this.#warmth.state(prefix);
      const isRead = state === WARM_STATE.warm && reads === -1;
      if (isRead) reads = prefix;
      if (writes > 0 && state === WARM_STATE.cold) cold.push(node);
      if (writes > 0 || isRead) this.#warmth.asked(prefix, nowMs);
      writes -= 1;
    }
    const leads = cold.length === 0 ? NOTHING : cold.map((node) => this.#prefix(node));
    this.#calls.set(request, { reads, leads, startedMs: nowMs, isBegun: false, isProven: false });
    if (reads !== -1) this.#warmth.spend(reads, leads !== NOTHING, nowMs);
    // From the top down, so that nobody hears of a node as warm while one above it still counts as cold.
    for (const node of cold.toReversed()) {
      this.#warmth.lead(this.#prefix(node), this.#ttlMs(node), this.#plan.tokens[anchor] as number, nowMs);
    }
    return leads.length > 0;
  }

  /** A request whose prefix nobody waits for is handed out; all that can be learned is that this was wrong. */
  takenAlone(request: number, nowMs: number): void {
    this.#calls.set(request, { reads: -1, leads: NOTHING, startedMs: nowMs, isBegun: false, isProven: false });
  }

  started(request: number, nowMs: number): void {
    const call = this.#calls.get(request);
    if (call === undefined) return;
    for (const prefix of call.leads) this.#warmth.leadStarted(prefix, nowMs - call.startedMs);
    call.startedMs = nowMs;
    call.isBegun = true;
  }

  firstByte(request: number, usage: PrefixUsage | null, nowMs: number): void {
    const call = this.#calls.get(request);
    if (call !== undefined && this.#warmth.profile.readyOn !== 'completion') this.#proven(request, call, usage, nowMs);
  }

  ended(request: number, usage: PrefixUsage | null, nowMs: number): void {
    const call = this.#calls.get(request);
    if (call === undefined) return;
    this.#calls.delete(request);
    if (call.isProven) return;
    if (usage === null) this.#failed(request, call, nowMs);
    else this.#proven(request, call, usage, nowMs);
  }

  /** Nothing more will begin: what is led by a call that has not begun may be led by others. */
  abandon(): void {
    for (const call of this.#calls.values()) {
      if (!call.isBegun) this.#stopLeading(call);
    }
  }

  #proven(request: number, call: CallUnderWay, usage: PrefixUsage | null, nowMs: number): void {
    if (call.isProven) return;
    call.isProven = true;
    const anchor = this.#plan.anchor[request] as number;
    if (anchor === -1) return;
    if (call.reads !== -1) this.#warmth.judgeRead(call.reads, usage, call.startedMs, nowMs);
    if (call.reads === this.#prefix(anchor)) this.#warmth.measured(call.reads, usage);
    if (call.leads !== NOTHING) this.#judgeLeader(anchor, call, usage, nowMs);
    else if (call.reads === -1) this.#warmth.noticed(this.#prefix(anchor), usage);
    if (isUncached(usage)) return this.#stopLeading(call);
    let writes = this.#reach.of(request);
    for (let node = anchor; node !== -1 && writes > 0; node = this.#above(node)) {
      this.#warmth.confirm(this.#prefix(node), call.startedMs, nowMs);
      writes -= 1;
    }
    if (call.reads !== -1 && usage?.readTokens !== 0) this.#warmth.confirm(call.reads, call.startedMs, nowMs);
    this.#stopLeading(call);
  }

  #judgeLeader(anchor: number, call: CallUnderWay, usage: PrefixUsage | null, nowMs: number): void {
    if (call.isBegun) this.#warmth.leaderTook(nowMs - call.startedMs);
    if (this.#warmth.judgeWrite(this.#prefix(anchor), usage)) return;
    for (const prefix of call.leads) this.#warmth.bury(prefix);
  }

  #failed(request: number, call: CallUnderWay, nowMs: number): void {
    let writes = this.#reach.of(request);
    for (let node = this.#plan.anchor[request] as number; node !== -1 && writes > 0; node = this.#above(node)) {
      this.#warmth.notUsed(this.#prefix(node));
      writes -= 1;
    }
    if (call.reads !== -1) {
      this.#warmth.notUsed(call.reads);
      this.#warmth.grant(call.reads, 1, nowMs);
    }
    this.#stopLeading(call);
  }

  #stopLeading(call: CallUnderWay): void {
    const { leads } = call;
    call.leads = NOTHING;
    for (const prefix of leads) this.#warmth.leadOver(prefix);
  }

  #ttlMs(node: number): number {
    return this.#warmth.ttlOf(this.#plan.ttl[node] as number);
  }

  #above(node: number): number {
    return this.#plan.parent[node] as number;
  }

  #prefix(node: number): number {
    return this.#prefixes[node] as number;
  }
}

interface CallUnderWay {
  /** The deepest prefix that was warm when it went, which it should read; -1: none was. */
  readonly reads: number;
  /** The prefixes it leads: cold when it went. Empty for a follower, and once others need not wait for it. */
  leads: readonly number[];
  /** When it was handed out, and then when its call began. */
  startedMs: number;
  isBegun: boolean;
  isProven: boolean;
}

const NOTHING: readonly number[] = [];

/** Neither read nor written: the answer says that nothing of the prompt is in the cache. */
function isUncached(usage: PrefixUsage | null): boolean {
  return usage !== null && usage.readTokens === 0 && usage.createdTokens === 0;
}
