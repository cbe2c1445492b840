import {
  estimateBatch,
  estimateWarnings,
  largestSavings,
  planPrefixes,
  PUBLISHED_MODELS,
  type BatchEstimate,
  type Estimated,
  type EstimateTerms,
  type EstimateWarning,
  type MarkerMode,
  type ModelTable,
  type PrefixSaving,
  type WavePlan,
} from '@batchwright/core';
import { scanRequests, type KnownRequests, type Requests } from './scan-requests.ts';
import { markingTerms, promptTokens, WaveUsage } from '../plan/wave-usage.ts';
import { forecastWaves, wavesOf, type WaveForecast } from './wave-forecast.ts';

/** How the run would go that is estimated; everything has the default that a run has. */
export interface EstimateOptions {
  readonly waves?: 'auto' | 'off';
  readonly markers?: MarkerMode;
  /** Prices and minimums, where they are not those published. */
  readonly models?: ModelTable;
  /** When the run would be, in milliseconds since 1970: prices change. */
  readonly atMs: number;
}

/** What a run against the hosted API would use and cost, at batch prices. */
export interface RunEstimate extends BatchEstimate {
  readonly markers: MarkerMode;
  readonly waves: readonly WaveForecast[];
  readonly plan: {
    readonly prefixes: number;
    /** Those that save most, at most ten. */
    readonly top: readonly PrefixSaving[];
    readonly requestsSharing: number;
    readonly single: number;
  };
  readonly warnings: readonly RunWarning[];
}

/** A warning, and the ids of the requests it takes for examples. */
export interface RunWarning {
  readonly warning: EstimateWarning;
  readonly customIds: readonly string[];
}

/** Estimates a run of any number of requests, which are read once and not kept. Nothing is sent. */
export async function estimateRun(requests: Requests, options: EstimateOptions): Promise<RunEstimate> {
  return reckonRun(await scanRequests(requests), options);
}

/** The estimate of requests that were read. */
export function reckonRun(known: KnownRequests, options: EstimateOptions): RunEstimate {
  const estimated = reckon(known, options);
  const { plan, terms, estimate, waves, usage } = estimated;
  const requestsSharing = plan.anchor.reduce((sum, node) => sum + (node < 0 ? 0 : 1), 0);
  const warnings = estimateWarnings(estimated, UNHURRIED);
  return {
    ...estimate,
    markers: terms.markers,
    waves: forecastWaves(waves, usage),
    plan: {
      prefixes: plan.nodeCount,
      top: largestSavings(plan, terms, TOP_PREFIXES),
      requestsSharing,
      single: plan.requestCount - requestsSharing,
    },
    warnings: warnings.map((warning) => ({
      warning,
      customIds: warning.examples.map((request) => known.ids.at(request)),
    })),
  };
}

/** What requests come to, and what that was made of. */
export interface Reckoning extends Estimated {
  readonly waves: WavePlan;
  readonly usage: WaveUsage;
}

export function reckon(known: KnownRequests, options: EstimateOptions): Reckoning {
  const { blocks, notes } = known;
  const terms = termsOf(options);
  // Of those that go all at once nobody reads what another writes.
  const plan = planPrefixes(blocks, hasWaves(options) ? { ...terms, ttlClass: '1h' } : { ...terms, markers: 'off' });
  const waves = wavesOf(plan, known);
  const usage = new WaveUsage(blocks, waves, terms, promptTokens(blocks), terms.markers === 'off' ? 'off' : 'respect');
  const estimate = estimateBatch(blocks, plan, notes.maxTokens, terms, (request) => usage.of(request));
  return { blocks, notes, plan, terms, estimate, waves, usage };
}

/** As a run has it: without markers there is nothing to write first. */
function hasWaves({ waves, markers }: EstimateOptions): boolean {
  return waves !== 'off' && markers !== 'off';
}

const TOP_PREFIXES = 10;
/** A native batch runs as many calls at once as it likes. */
export const UNHURRIED = { concurrency: Infinity, durationMs: 0, ttlMs: null };

/** Without waves markers of our own would be written by everybody and read by nobody, so that there are none. */
function termsOf(options: EstimateOptions): EstimateTerms {
  const { markers = 'auto', models = PUBLISHED_MODELS, atMs } = options;
  return {
    markers: hasWaves(options) || markers === 'off' ? markers : 'respect',
    ...markingTerms(models),
    isPriced: models.isPriced,
    table: models,
    isBatch: true,
    atMs,
  };
}
