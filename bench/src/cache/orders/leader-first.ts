import { PrefixSchedule, ReplicaLanes, type Affinity, type PlacedPlan } from '@batchwright/core';
import type { MakeOrder } from './order.ts';

/** Core's own schedule, as the server runs it. */
export function leaderFirst(plan: PlacedPlan): MakeOrder {
  return (warmthOf, isPending) => new PrefixSchedule(plan, warmthOf(0), isPending);
}

/** Core's schedules for replicas with caches of their own, side by side. */
export function lanesFirst(plan: PlacedPlan, affinity: Affinity, replicas: number): MakeOrder {
  const laneOf = (request: number): number => affinity.homeOf(request);
  return (warmthOf, isPending) => {
    const warmths = Array.from({ length: replicas }, (_, replica) => warmthOf(replica));
    return new ReplicaLanes(plan, warmths, laneOf, isPending);
  };
}
