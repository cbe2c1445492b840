import {
  estimateBatch,
  estimateWarnings,
  largestSavings,
  planInSteps,
  type BatchEstimate,
  type Clock,
  type EstimateTerms,
  type EstimateWarning,
  type MarkerMode,
  type PlacedPlan,
  type PrefixSaving,
} from '@batchwright/core';
import type { Problem, RandomBytes } from '@batchwright/protocol';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BodyScanner, RequestIndex } from '@batchwright/scan';
import { planOptions, type CachingTerms } from './batch-plan.ts';
import { inTurns } from './in-turns.ts';
import { customIdOf } from '../spool/custom-id-search.ts';
import type { PassingBody } from './intake.ts';
import { promptSeed } from './prompt-seed.ts';
import { Upload } from './upload.ts';

/** A create body that was read and not kept. */
export type EstimateOutcome =
  | { readonly type: 'estimated'; readonly estimate: BodyEstimate }
  | { readonly type: 'refused'; readonly problem: Problem }
  | { readonly type: 'broken_off' };

/** What the batch that a body describes would come to. */
export interface BodyEstimate extends BatchEstimate {
  readonly markers: MarkerMode;
  readonly plan: PlanSummary;
  readonly warnings: readonly BodyWarning[];
  /** Whether amounts of money are those of a batch: half. */
  readonly isBatch: boolean;
}

export interface PlanSummary {
  readonly prefixes: number;
  /** The ones that save most. */
  readonly top: readonly PrefixSaving[];
  readonly requestsSharing: number;
  readonly single: number;
}

/** A warning, and the ids of the requests it takes for examples. */
export interface BodyWarning {
  readonly warning: EstimateWarning;
  readonly customIds: readonly string[];
}

/** What an estimate depends on beside the body. */
export interface EstimateParts extends CachingTerms {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Whether it gives the batch discount. */
  readonly hasBatchDiscount: boolean;
  /** How the server sends at this moment. */
  readonly pace: () => { readonly concurrency: number; readonly durationMs: number };
}

/** Under which terms the batch would be created. */
export interface EstimateAsked {
  readonly betas: readonly string[];
  readonly markers: MarkerMode;
}

const TOP_PREFIXES = 10;

/**
 * Passes a body through a scanner exactly as a create does, and lets go of its bytes where a create would write them.
 * The reckoning after it is cut into turns of the event loop, since a body may have 100,000 requests.
 */
export async function estimateBody(
  parts: EstimateParts,
  scanner: BodyScanner,
  body: PassingBody,
  asked: EstimateAsked,
): Promise<EstimateOutcome> {
  scanner.begin(parts.randomBytes, promptSeed(asked.betas));
  const end = await new Upload(body, scanner, letGo, parts.clock).run();
  if (end.type === 'failed') throw end.error;
  if (end.type !== 'complete') return end;
  return { type: 'estimated', estimate: await reckon(parts, scanner, asked.markers, end.count) };
}

async function letGo(): Promise<void> {}

async function reckon(
  { clock, profile, models, hasBatchDiscount: isBatch, pace }: EstimateParts,
  scanner: BodyScanner,
  markers: MarkerMode,
  count: number,
): Promise<BodyEstimate> {
  const terms: EstimateTerms = {
    ...planOptions(markers, { profile, models }, pace().durationMs),
    isPriced: models.isPriced,
    table: models,
    isBatch,
    atMs: clock.now(),
  };
  const blocks = scanner.promptBlocks();
  const notes = scanner.requestNotes();
  const plan = await inTurns(planInSteps(blocks, terms));
  await nextTurn();
  const estimate = estimateBatch(blocks, plan, notes.maxTokens, terms);
  await nextTurn();
  const warnings = estimateWarnings(
    { blocks, notes, plan, estimate, terms },
    { ...pace(), ttlMs: profile.ttlMs.short },
  );
  return {
    ...estimate,
    markers,
    isBatch,
    plan: summary(plan, terms),
    warnings: named(warnings, scanner.index(count)),
  };
}

function summary(plan: PlacedPlan, terms: EstimateTerms): PlanSummary {
  const requestsSharing = plan.anchor.reduce((sum, node) => sum + (node < 0 ? 0 : 1), 0);
  return {
    prefixes: plan.nodeCount,
    top: largestSavings(plan, terms, TOP_PREFIXES),
    requestsSharing,
    single: plan.requestCount - requestsSharing,
  };
}

function named(warnings: readonly EstimateWarning[], index: RequestIndex): readonly BodyWarning[] {
  return warnings.map((warning) => ({
    warning,
    customIds: warning.examples.map((request) => customIdOf(index, request)),
  }));
}
