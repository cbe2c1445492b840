import { lanePlan } from './lane-plan.ts';
import { PrefixSchedule } from './prefix-schedule.ts';
import type { PrefixWarmth } from './prefix-warmth.ts';
import type { SchedulePlan } from './leader-reach.ts';
import type { RequestOrder } from './request-order.ts';
import type { PrefixUsage, Room, Turn } from './turn.ts';

/**
 * The order of a shard whose upstream is several replicas, each with a cache of its own: one schedule per replica, side by
 * side, and the next request is of the one with the fewest calls under way. SPEC.md H13–H15.
 *
 * One schedule for all would work through one prefix after another, so that at any moment nearly all calls were of the
 * same one: they would not fit its home, and every replica would come to read every prefix. Side by side each replica has
 * a prefix of its own to work on. What a replica believes warm is its own as well.
 *
 * A lane only orders: which replica a call goes to is decided when it goes, by load, and when a lane runs dry the others
 * have its places.
 */
export class ReplicaLanes implements RequestOrder {
  readonly #lanes: readonly PrefixSchedule[];
  /** Of each request its lane; as a negative number while it is handed out. */
  readonly #laneOf: Int8Array;
  readonly #inFlight: Uint32Array;
  onReadiness: (() => void) | null = null;

  /** One lane for each of `warmths`, at most `LANES_LIMIT`; `laneOf` answers a request's, from 0. */
  constructor(
    plan: SchedulePlan,
    warmths: readonly PrefixWarmth[],
    laneOf: (request: number) => number,
    isPending: (request: number) => boolean,
  ) {
    this.#laneOf = new Int8Array(plan.requestCount).map((_, request) => laneOf(request));
    this.#inFlight = new Uint32Array(warmths.length);
    this.#lanes = warmths.map((warmth, lane) => {
      const isInLane = (request: number): boolean => this.#laneOf[request] === lane;
      return new PrefixSchedule(lanePlan(plan, isInLane), warmth, (request) => isInLane(request) && isPending(request));
    });
    for (const lane of this.#lanes) lane.onReadiness = () => this.onReadiness?.();
  }

  get size(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.size, 0);
  }

  get waitingForLeader(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.waitingForLeader, 0);
  }

  get openPrefixes(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.openPrefixes, 0);
  }

  isReady(nowMs: number): boolean {
    return this.#lanes.some((lane) => lane.isReady(nowMs));
  }

  nextWakeMs(): number | null {
    let earliest: number | null = null;
    for (const lane of this.#lanes) {
      const wakeMs = lane.nextWakeMs();
      if (wakeMs !== null && (earliest === null || wakeMs < earliest)) earliest = wakeMs;
    }
    return earliest;
  }

  take(room: Room): Turn | null {
    let asked = 0;
    for (let lane = this.#emptiest(room.nowMs, asked); lane !== -1; lane = this.#emptiest(room.nowMs, asked)) {
      asked |= 1 << lane;
      const turn = (this.#lanes[lane] as PrefixSchedule).take(room);
      if (turn === null) continue;
      this.#laneOf[turn.request] = away(lane);
      this.#inFlight[lane] = (this.#inFlight[lane] as number) + 1;
      return turn;
    }
    return null;
  }

  push(request: number): void {
    this.#back(request);
    this.#laneFor(request).push(request);
  }

  started(request: number, nowMs: number): void {
    this.#laneFor(request).started(request, nowMs);
  }

  firstByte(request: number, usage: PrefixUsage | null, nowMs: number): void {
    this.#laneFor(request).firstByte(request, usage, nowMs);
  }

  ended(request: number, usage: PrefixUsage | null, nowMs: number): void {
    this.#back(request);
    this.#laneFor(request).ended(request, usage, nowMs);
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  /** Of the lanes not yet asked that have something to hand out, the one with the fewest calls under way; -1: none. */
  #emptiest(nowMs: number, asked: number): number {
    let best = -1;
    for (let lane = 0; lane < this.#lanes.length; lane++) {
      if ((asked & (1 << lane)) !== 0) continue;
      const isLess = best === -1 || (this.#inFlight[lane] as number) < (this.#inFlight[best] as number);
      if (isLess && (this.#lanes[lane] as PrefixSchedule).isReady(nowMs)) best = lane;
    }
    return best;
  }

  #back(request: number): void {
    const lane = this.#laneOf[request] as number;
    if (lane >= 0) return;
    this.#laneOf[request] = away(lane);
    this.#inFlight[away(lane)] = (this.#inFlight[away(lane)] as number) - 1;
  }

  #laneFor(request: number): PrefixSchedule {
    const lane = this.#laneOf[request] as number;
    return this.#lanes[lane < 0 ? away(lane) : lane] as PrefixSchedule;
  }
}

/** Lanes cost memory and time each; of more replicas several share one. */
export const LANES_LIMIT = 16;

/** A lane's number while the request is away, and back: −1 for 0, −2 for 1, and so on. */
const away = (lane: number): number => -1 - lane;
