import { decodePlan, unplanned, type PlacedPlan } from '@batchwright/core';
import type { RequestLog } from '../spool/spool.ts';

/** The plan kept with a batch. One that is missing or cannot be read costs money and no result: then nothing is shared. */
export function planOf({ plan, index }: Pick<RequestLog, 'plan' | 'index'>): PlacedPlan {
  const decoded = plan === null ? null : decodePlan(plan);
  return decoded !== null && decoded.requestCount === index.count ? decoded : unplanned(index.count);
}
