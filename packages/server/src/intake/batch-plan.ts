import {
  encodePlan,
  planInSteps,
  predictLedger,
  type BatchOptions,
  type LedgerTerms,
  type MarkerMode,
  type ModelTable,
  type PlanOptions,
  type Prediction,
  type PromptBlocks,
  type UpstreamProfile,
} from '@batchwright/core';
import { inTurns } from './in-turns.ts';

/** Assumed of a model that is not known: what most cache from on. */
const USUAL_MINIMUM_TOKENS = 1024;
/** An engine that caches by itself does so in small blocks; less than this is not worth an order. */
const ENGINE_MINIMUM_TOKENS = 64;
/**
 * Calls that take longer on average outlive, many of them, what lives five minutes from the start of its last use: who
 * comes when one of them ends finds nothing. Entries of an hour cost more to write, and once.
 */
const LONG_CALL_MS = 240_000;

/** What becomes of a batch's prompts if all goes as planned. */
export interface BatchPlan {
  /** As bytes to be kept with the batch; null when its requests share nothing and nobody asks for their length. */
  readonly bytes: Uint8Array | null;
  readonly prediction: Prediction;
}

/** What decides how prompts are cached, and what that costs. */
export interface CachingTerms {
  readonly profile: UpstreamProfile;
  readonly models: ModelTable;
}

/** Finds, turn by turn, what a batch's requests share, and what that will come to, where calls take `callMs` on average. */
export async function planBatch(
  blocks: PromptBlocks,
  { markers, budgetNanoUsd }: Pick<BatchOptions, 'markers' | 'budgetNanoUsd'>,
  { profile, models }: CachingTerms,
  callMs: number,
  terms: Omit<LedgerTerms, 'isPriced' | 'table'>,
): Promise<BatchPlan> {
  const options = planOptions(markers, { profile, models }, callMs);
  const plan = await inTurns(planInSteps(blocks, options));
  const predicting = predictLedger(blocks, plan, {
    ...options,
    ...terms,
    isPriced: models.isPriced,
    table: models,
    reports: profile.usage,
  });
  const prediction = await inTurns(predicting);
  const isKept = plan.nodeCount > 0 || budgetNanoUsd !== null;
  return { bytes: isKept ? encodePlan(plan) : null, prediction };
}

/** How batches are planned for an upstream whose calls take `callMs` on average. */
export function planOptions(markers: MarkerMode, { profile, models }: CachingTerms, callMs: number): PlanOptions {
  const usual = profile.markers === 'ignored' ? ENGINE_MINIMUM_TOKENS : USUAL_MINIMUM_TOKENS;
  const minimumTokens = (model: string): number => models.minimumCacheTokens(model) ?? usual;
  // An upstream that caches by itself asks nobody how long; the client's own markers say it themselves.
  const isOurs = markers === 'auto' && profile.markers === 'required';
  const ttlClass = isOurs && callMs > LONG_CALL_MS ? '1h' : '5m';
  return { markers, profile: profile.markers, minimumTokens, ttlClass };
}
