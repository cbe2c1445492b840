import { chooseReplica, ReplicaHealth, replicaSeed, type Clock, type ReplicaLoads } from '@batchwright/core';
import type { CancelCall, Upstream, UpstreamCall, UpstreamEvents } from './upstream.ts';

/**
 * Several upstreams that serve the same models, as one. Each call goes to one of them and is never sent again from here:
 * what fails is retried like any other call, and the replica that failed is passed over meanwhile. Which one it is core
 * decides, by the call's affinity and by load; how many calls there are at once is the dispatcher's business.
 */
export interface PoolMember {
  readonly baseUrl: string;
  readonly upstream: Upstream;
}

/** A replica as an operator sees it. */
export interface ReplicaView {
  readonly name: string;
  readonly inFlight: number;
  /** Whether it failed and is passed over. */
  readonly isDown: boolean;
  /** Answers so far by their class, connections that failed among them. */
  readonly answers: Readonly<Record<ReplicaAnswer, number>>;
}

export type ReplicaAnswer = 'ok' | 'client_error' | 'server_error' | 'failed';

export class UpstreamPool implements Upstream {
  readonly name: string;
  readonly isSimulated = false;
  readonly #clock: Clock;
  readonly #replicas: readonly Replica[];
  readonly #loads: ReplicaLoads & { readonly inFlight: Uint32Array };
  #turn = 0;

  constructor(members: readonly PoolMember[], clock: Clock) {
    this.name = members.map(({ upstream }) => upstream.name).join(',');
    this.#clock = clock;
    const inFlight = new Uint32Array(members.length);
    this.#replicas = members.map(({ baseUrl, upstream }, place) => new Replica(baseUrl, upstream, place, inFlight));
    this.#loads = {
      seeds: members.map(({ baseUrl }) => replicaSeed(baseUrl)),
      inFlight,
      isOpen: (replica) => (this.#replicas[replica] as Replica).health.isOpen(clock.now()),
    };
  }

  call(request: UpstreamCall, events: UpstreamEvents): CancelCall {
    this.#turn = (this.#turn + 1) % this.#replicas.length;
    const chosen = chooseReplica(request.affinity ?? null, this.#loads, this.#turn);
    const call = new PooledCall(this.#replicas[chosen] as Replica, this.#clock, events);
    const cancel = call.start(request);
    return () => {
      call.over();
      cancel();
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map(({ upstream }) => upstream.close()));
  }

  /** What stands for the replicas in the hashing, in their order. */
  get seeds(): readonly number[] {
    return this.#loads.seeds;
  }

  views(): readonly ReplicaView[] {
    return this.#replicas.map((replica) => replica.view());
  }
}

class Replica {
  readonly baseUrl: string;
  readonly upstream: Upstream;
  readonly health = new ReplicaHealth();
  readonly answers: Record<ReplicaAnswer, number> = { ok: 0, client_error: 0, server_error: 0, failed: 0 };
  readonly #place: number;
  readonly #inFlight: Uint32Array;

  constructor(baseUrl: string, upstream: Upstream, place: number, inFlight: Uint32Array) {
    this.baseUrl = baseUrl;
    this.upstream = upstream;
    this.#place = place;
    this.#inFlight = inFlight;
  }

  get inFlight(): number {
    return this.#inFlight[this.#place] as number;
  }

  /** A call begins (+1) or is over (−1). */
  count(by: 1 | -1): void {
    this.#inFlight[this.#place] = this.inFlight + by;
  }

  view(): ReplicaView {
    const { baseUrl: name, inFlight, health, answers } = this;
    return { name, inFlight, isDown: health.isDown, answers };
  }
}

/** One call at one replica: holds its place there until it is over, and tells what it says of the replica. */
class PooledCall implements UpstreamEvents {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #events: UpstreamEvents;
  readonly #startedMs: number;
  readonly #isTrial: boolean;
  #isOver = false;

  constructor(replica: Replica, clock: Clock, events: UpstreamEvents) {
    this.#replica = replica;
    this.#clock = clock;
    this.#events = events;
    this.#startedMs = clock.now();
    this.#isTrial = replica.health.begun(this.#startedMs);
    replica.count(1);
  }

  start(request: UpstreamCall): CancelCall {
    try {
      return this.#replica.upstream.call(request, this);
    } catch (error) {
      this.over();
      throw error;
    }
  }

  onHead(status: number, headers: Parameters<UpstreamEvents['onHead']>[1]): void {
    const { health, answers } = this.#replica;
    answers[status < 400 ? 'ok' : status < 500 ? 'client_error' : 'server_error'] += 1;
    if (status < 500) health.answered(this.#startedMs);
    else health.failed(this.#startedMs, this.#clock.now());
    this.#events.onHead(status, headers);
  }

  onData(chunk: Uint8Array, isLast?: boolean): void {
    this.#events.onData(chunk, isLast);
  }

  onEnd(): void {
    this.over();
    this.#events.onEnd();
  }

  onFailure(reason: string, timeout: boolean): void {
    // A fault of whoever judged a whole answer comes this way too, and is not the replica's.
    if (!this.#isOver) this.#failed();
    this.over();
    this.#events.onFailure(reason, timeout);
  }

  /** Gives back the place. Again is harmless: a call may be cancelled after it ended. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#replica.count(-1);
    if (this.#isTrial) this.#replica.health.trialEnded();
  }

  #failed(): void {
    this.#replica.answers.failed += 1;
    this.#replica.health.failed(this.#startedMs, this.#clock.now());
  }
}
