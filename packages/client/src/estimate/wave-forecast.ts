import { COMMON_RATES, planWaves, type PlacedPlan, type PredictedUsage } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import type { KnownRequests } from './scan-requests.ts';

/** One wave of a run: what goes at once, and reads what waves before it wrote. */
export interface WaveForecast {
  readonly requests: number;
  /** Requests that write for later waves. */
  readonly leaders: number;
  readonly batches: number;
  readonly tokens: PredictedUsage;
}

/** The marker of a leader and the comma between requests. */
const MORE_BYTES = 200;

/** The waves in which a plan would be sent, cut into batches under the API's limits. */
export function forecastWaves({ lineBytes }: KnownRequests, plan: PlacedPlan): readonly WaveForecast[] {
  const waves = planWaves(plan, {
    rates: COMMON_RATES,
    latencyTokens: 0,
    maxRequests: LIMITS.batchRequests,
    maxBytes: { limit: LIMITS.batchBodyBytes, ofRequest: lineBytes.map((bytes) => bytes + MORE_BYTES) },
  });
  const counts = waves.usage.map((tokens) => ({ requests: 0, leaders: 0, batches: 0, tokens }));
  for (const { wave, isLeading, requests } of waves.batches) {
    const count = counts[wave];
    if (count === undefined) continue;
    count.requests += requests.length;
    count.leaders += isLeading ? requests.length : 0;
    count.batches += 1;
  }
  return counts;
}
