import { COMMON_RATES, planWaves, type PlacedPlan, type PredictedUsage, type WavePlan } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import type { WaveUsage } from '../plan/wave-usage.ts';
import type { KnownRequests } from './scan-requests.ts';

/** One wave of a run: what goes at once, and reads what waves before it wrote. */
export interface WaveForecast {
  readonly requests: number;
  /** Requests that write for later waves. */
  readonly leaders: number;
  readonly batches: number;
  readonly tokens: PredictedUsage;
}

/** The markers of a request and the comma before it. */
const MORE_BYTES = 200;

/** The waves in which a plan is sent, in batches under the API's limits. */
export function wavesOf(plan: PlacedPlan, { lineBytes }: KnownRequests): WavePlan {
  return planWaves(plan, {
    rates: COMMON_RATES,
    latencyTokens: 0,
    maxRequests: LIMITS.batchRequests,
    maxBytes: { limit: LIMITS.batchBodyBytes, ofRequest: lineBytes.map((bytes) => bytes + MORE_BYTES) },
    groups: { parent: plan.parent, of: plan.anchor },
  });
}

/** What each wave comes to. */
export function forecastWaves({ waveCount, wave, batches }: WavePlan, usage: WaveUsage): readonly WaveForecast[] {
  const forecasts = Array.from({ length: waveCount }, () => ({
    requests: 0,
    leaders: 0,
    batches: 0,
    tokens: { written5m: 0, written1h: 0, read: 0, input: 0 },
  }));
  for (const batch of batches) {
    const forecast = forecasts[batch.wave];
    if (forecast === undefined) continue;
    forecast.requests += batch.requests.length;
    forecast.leaders += batch.isLeading ? batch.requests.length : 0;
    forecast.batches += 1;
  }
  wave.forEach((number, request) => {
    const tokens = forecasts[number]?.tokens;
    if (tokens === undefined) return;
    const { written5m, written1h, read, input } = usage.of(request);
    tokens.written5m += written5m;
    tokens.written1h += written1h;
    tokens.read += read;
    tokens.input += input;
  });
  return forecasts;
}
