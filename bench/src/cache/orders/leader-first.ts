import { PrefixSchedule, type PlacedPlan } from '@batchwright/core';
import type { MakeOrder } from './order.ts';

/** Core's own schedule, as the server runs it. */
export function leaderFirst(plan: PlacedPlan): MakeOrder {
  return (warmth, isPending) => new PrefixSchedule(plan, warmth, isPending);
}
