import {
  encodePlan,
  planPrefixes,
  type MarkerMode,
  type PlanOptions,
  type PromptBlocks,
  type UpstreamProfile,
} from '@batchwright/core';
import { findModel } from '@batchwright/protocol';

/** Assumed of a model that is not known: what most cache from on. */
const USUAL_MINIMUM_TOKENS = 1024;
/** An engine that caches by itself does so in small blocks; less than this is not worth an order. */
const ENGINE_MINIMUM_TOKENS = 64;

/** What a batch's requests share, as bytes to be kept with it; null when they share nothing worth caching. */
export function planBatch(blocks: PromptBlocks, markers: MarkerMode, profile: UpstreamProfile): Uint8Array | null {
  const plan = planPrefixes(blocks, planOptions(markers, profile));
  return plan.nodeCount === 0 ? null : encodePlan(plan);
}

/** How batches are planned for an upstream. */
export function planOptions(markers: MarkerMode, profile: UpstreamProfile): PlanOptions {
  const minimumTokens = (model: string): number =>
    profile.markers === 'ignored'
      ? ENGINE_MINIMUM_TOKENS
      : (findModel(model)?.minimumCacheTokens ?? USUAL_MINIMUM_TOKENS);
  return { markers, profile: profile.markers, minimumTokens };
}
