import {
  Affinity,
  LANES_LIMIT,
  PrefixSchedule,
  ReplicaLanes,
  type PlacedPlan,
  type PrefixWarmth,
  type RequestOrder,
  type UpstreamProfile,
} from '@batchwright/core';

/** What the order of a shard's requests depends on. */
export interface OrderParts {
  readonly plan: PlacedPlan;
  readonly warmths: readonly PrefixWarmth[];
  readonly affinity: Affinity | null;
}

/** One schedule, or one for each replica that has a cache of its own. */
export function orderOf(
  { plan, warmths, affinity }: OrderParts,
  isPending: (request: number) => boolean,
): RequestOrder {
  if (affinity === null) return new PrefixSchedule(plan, warmths[0] as PrefixWarmth, isPending);
  return new ReplicaLanes(plan, warmths, (request) => affinity.homeOf(request) % warmths.length, isPending);
}

/** Replicas by their seeds, where each has a cache of its own; none where one is all there is, or where all share one. */
export function ownCaches(profile: UpstreamProfile, replicas: readonly number[]): readonly number[] {
  return profile.scope === 'replica' && replicas.length > 1 ? replicas : [];
}

/** Lanes for so many replicas with caches of their own. */
export function laneCount(replicas: readonly number[]): number {
  return Math.min(Math.max(1, replicas.length), LANES_LIMIT);
}

/** Where the requests of a plan meet, if there is a choice. */
export function affinityOf(plan: PlacedPlan, replicas: readonly number[]): Affinity | null {
  return replicas.length === 0 ? null : new Affinity(plan, replicas);
}
