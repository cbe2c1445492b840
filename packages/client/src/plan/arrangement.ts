/**
 * Decides, from what was noted of requests, how they are sent: which markers they get, in which wave they go, whom they
 * read from, and what each of them is expected to cost. Requests are numbered as they were scanned.
 *
 * Three ways there are. *Waves*: markers are placed here and nobody reads within a wave, so leaders go a wave before. *At
 * once*: the same without waves; then nobody reads anything, markers of our own would be paid by everybody and help nobody,
 * and the client's stay what they are. *Left to the server*: it plans by itself, and is told what to do with markers.
 */
import {
  COMMON_RATES,
  cutBatches,
  forEachExpectedUsage,
  planPrefixes,
  planWaves,
  type BatchLimits,
  type PlanOptions,
  type WaveBatch,
  type WavePlan,
} from '@batchwright/core';
import { MarkerSets } from './marker-sets.ts';
import type { PlanTerms } from './planning.ts';
import { ExpectedCosts } from './expected-costs.ts';
import type { ScannedRequests } from './scanned-parts.ts';
import { forEachMarkedUsage, markingTerms, promptTokens, WaveUsage, type MarkingTerms } from './wave-usage.ts';

export interface Arrangement {
  /** Per request, the estimated tokens of its prompt. */
  readonly tokens: Uint32Array;
  /** Per request; NaN: its model has no known price. */
  readonly nanoUsd: Float64Array;
  /** Per request, who writes what it reads, in a wave before; -1: nobody. */
  readonly leader: Int32Array;
  /** Per request whom nobody leads, the identity of what it reads all the same, as it is warm; NaN: nothing. */
  readonly warm: Float64Array;
  readonly markers: MarkerSets;
  /** Whether the client's markers are taken out. */
  readonly dropsMarkers: boolean;
  /** The batches, given how many bytes each request takes of how many. */
  cut(bytes: { readonly limit: number; readonly ofRequest: Uint32Array }): readonly WaveBatch[];
}

/** How requests are sent under some terms; `warm` are the identities of prefixes that can be read at once. */
export function arrange(scanned: ScannedRequests, terms: PlanTerms, warm: ReadonlySet<number>): Arrangement {
  if (!terms.placesMarkers) return leaveToServer(scanned, terms);
  return terms.waves === 'auto' && terms.markers !== 'off' ? inWaves(scanned, terms, warm) : atOnce(scanned, terms);
}

function optionsOf({ models }: PlanTerms): MarkingTerms {
  return markingTerms(models);
}

function inWaves({ blocks, notes }: ScannedRequests, terms: PlanTerms, warm: ReadonlySet<number>): Arrangement {
  const options: PlanOptions = { ...optionsOf(terms), markers: terms.markers, ttlClass: '1h', warm };
  const plan = planPrefixes(blocks, options);
  const { latencyTokens } = terms;
  const waves = planWaves(plan, { rates: COMMON_RATES, latencyTokens, maxRequests: Infinity, warm });
  const { wave, isLeader, leader } = waves;
  const groups = { parent: plan.parent, of: plan.anchor };
  const tokens = promptTokens(blocks);
  return {
    tokens,
    nanoUsd: waveCosts({ blocks, notes }, waves, terms, tokens),
    leader,
    warm: Float64Array.from(waves.warm, (node) => (node < 0 ? NaN : (plan.hash[node] as number))),
    markers: MarkerSets.lasting(plan),
    dropsMarkers: false,
    cut: (maxBytes) => cutBatches(wave, isLeader, { ...limitsOf(terms, tokens), maxBytes, groups }),
  };
}

function waveCosts(
  { blocks, notes }: ScannedRequests,
  waves: WavePlan,
  terms: PlanTerms,
  tokens: Uint32Array,
): Float64Array {
  const costs = new ExpectedCosts(blocks, notes, terms);
  const usage = new WaveUsage(blocks, waves, optionsOf(terms), tokens);
  for (let request = 0; request < blocks.requestCount; request++) costs.addUsage(request, usage.of(request));
  return costs.nanoUsd;
}

function atOnce({ blocks, notes }: ScannedRequests, terms: PlanTerms): Arrangement {
  const markers = terms.markers === 'off' ? 'off' : 'respect';
  const costs = new ExpectedCosts(blocks, notes, terms);
  forEachMarkedUsage(blocks, optionsOf(terms), markers, (request, usage) => costs.addUsage(request, usage));
  const tokens = promptTokens(blocks);
  const { requestCount } = blocks;
  return {
    tokens,
    nanoUsd: costs.nanoUsd,
    ...nothingArranged(requestCount),
    dropsMarkers: markers === 'off',
    cut: (maxBytes) => cutOneWave(requestCount, { ...limitsOf(terms, tokens), maxBytes }),
  };
}

function leaveToServer({ blocks, notes }: ScannedRequests, terms: PlanTerms): Arrangement {
  const options: PlanOptions = { ...optionsOf(terms), markers: terms.markers };
  const costs = new ExpectedCosts(blocks, notes, terms);
  forEachExpectedUsage(blocks, planPrefixes(blocks, options), options, (request, { planned }) =>
    costs.addUsage(request, planned),
  );
  const tokens = promptTokens(blocks);
  const { requestCount } = blocks;
  return {
    tokens,
    nanoUsd: costs.nanoUsd,
    ...nothingArranged(requestCount),
    dropsMarkers: false,
    cut(maxBytes) {
      const limits = { ...limitsOf(terms, tokens), maxBytes };
      const batches = cutOneWave(requestCount, limits);
      if (batches.length < 2) return batches;
      // Whatever marks say, an upstream behind the server may cache by itself: what is alike stays together.
      const { parent, anchor } = planPrefixes(blocks, { ...options, markers: 'auto', profile: 'ignored' });
      return cutOneWave(requestCount, { ...limits, groups: { parent, of: anchor } });
    },
  };
}

/** Nobody reads from anybody, and no markers are placed. */
function nothingArranged(requestCount: number): Pick<Arrangement, 'leader' | 'warm' | 'markers'> {
  return {
    leader: new Int32Array(requestCount).fill(-1),
    warm: new Float64Array(requestCount).fill(NaN),
    markers: new MarkerSets(requestCount),
  };
}

function limitsOf({ limits }: PlanTerms, ofRequest: Uint32Array): Omit<BatchLimits, 'maxBytes'> {
  return { maxRequests: limits.requests, maxTokens: { limit: limits.tokens, ofRequest } };
}

function cutOneWave(requestCount: number, limits: BatchLimits): readonly WaveBatch[] {
  return cutBatches(new Uint32Array(requestCount), new Uint8Array(requestCount), limits);
}
