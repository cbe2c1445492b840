import { homeOf } from '../schedule/replica-choice.ts';
import type { PrefixPlan } from './prefix-plan.ts';

type Plan = Pick<PrefixPlan, 'nodeCount' | 'parent' | 'hash' | 'requests' | 'requestCount' | 'anchor'>;

/**
 * Which requests of a batch had best meet at one replica, because they share enough for one to have it in its cache and
 * are few enough for one to carry. SPEC.md H1–H4.
 *
 * What all requests share (a system prompt, most often) is soon cached at every replica and tells none from another; so
 * requests meet by the shallowest prefix on their path that at most one in R of the batch's requests share. Those whose
 * prefixes are all shared by more meet by the deepest: the bound on a replica's load then decides over how many of them
 * they spread.
 *
 * A key is that prefix's hash, so that another batch meets at the same replica. But few keys fall unevenly, and a replica
 * that runs out of work takes up what others have cached. So a key whose home has its share of the batch is counted up
 * until its home is one that has not.
 */
export class Affinity {
  readonly #anchor: Int32Array;
  /** Of each node, the one that the requests anchored at it meet by. */
  readonly #meeting: Int32Array;
  readonly #keys: Float64Array;
  readonly #homes: Uint16Array;
  readonly #replicas: number;

  /** `seeds` are those of the replicas, in their order. */
  constructor(plan: Plan, seeds: readonly number[]) {
    this.#anchor = plan.anchor;
    this.#replicas = seeds.length;
    this.#meeting = meetingNodes(plan, seeds.length);
    this.#keys = Float64Array.from(plan.hash);
    this.#homes = new Uint16Array(plan.nodeCount);
    this.#spread(requestsByMeeting(plan, this.#meeting), seeds);
  }

  /** What requests that had best meet at one replica have in common; null for one that shares nothing. */
  of(request: number): number | null {
    const anchor = this.#anchor[request] ?? -1;
    return anchor === -1 ? null : (this.#keys[this.#meeting[anchor] as number] as number);
  }

  /** The replica at which a request is to meet the others. What shares nothing is dealt out in turn. */
  homeOf(request: number): number {
    const anchor = this.#anchor[request] ?? -1;
    return anchor === -1 ? request % this.#replicas : (this.#homes[this.#meeting[anchor] as number] as number);
  }

  /** The largest first, since the small ones fill what these leave. */
  #spread(requests: Uint32Array, seeds: readonly number[]): void {
    const nodes = new Int32Array(requests.length).map((_, node) => node).filter((node) => requests[node] !== 0);
    nodes.sort((a, b) => (requests[b] as number) - (requests[a] as number) || a - b);
    const share = requests.reduce((sum, count) => sum + count, 0) * (SHARE_SLACK / seeds.length);
    const given = new Float64Array(seeds.length);
    for (const node of nodes) {
      const home = this.#settle(node, seeds, requests[node] as number, given, share);
      given[home] = (given[home] as number) + (requests[node] as number);
    }
  }

  #settle(node: number, seeds: readonly number[], count: number, given: Float64Array, share: number): number {
    const hasRoom = (home: number): boolean => (given[home] as number) + count <= share;
    const isFull = given.every((_, home) => !hasRoom(home));
    const least = given.indexOf(Math.min(...given));
    let key = this.#keys[node] as number;
    let home = homeOf(key, seeds);
    for (let tries = 1; tries < MOST_TRIES && (isFull ? home !== least : !hasRoom(home)); tries++) {
      home = homeOf(++key, seeds);
    }
    this.#keys[node] = key;
    this.#homes[node] = home;
    return home;
  }
}

/** A replica may have a sixteenth more than its share: for less, keys would leave their homes in batch after batch. */
const SHARE_SLACK = 17 / 16;

/** Of 16 replicas each is found within so many tries but once in a thousand million; then an uneven share is all there is. */
const MOST_TRIES = 320;

/** Of each node, itself or the shallowest above it that is shared by few enough. Parents come before children. */
function meetingNodes({ nodeCount, parent, requests, requestCount }: Plan, replicas: number): Int32Array {
  const meeting = new Int32Array(nodeCount);
  for (let node = 0; node < nodeCount; node++) {
    const above = parent[node] as number;
    const isAbove = above !== -1 && (requests[above] as number) * replicas <= requestCount;
    meeting[node] = isAbove ? (meeting[above] as number) : node;
  }
  return meeting;
}

function requestsByMeeting({ anchor, nodeCount }: Plan, meeting: Int32Array): Uint32Array {
  const requests = new Uint32Array(nodeCount);
  for (const node of anchor) {
    if (node === -1) continue;
    const at = meeting[node] as number;
    requests[at] = (requests[at] as number) + 1;
  }
  return requests;
}
