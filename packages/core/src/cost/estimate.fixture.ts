import { findModel } from '@batchwright/protocol';
import { planPrefixes } from '../prefix/plan-prefixes.ts';
import { blocksOf, type Block } from '../prefix/prompts.fixture.ts';
import type { RequestNotes } from '../prefix/request-notes.ts';
import { estimateBatch, type EstimateTerms } from './estimate.ts';
import { type Estimated } from './estimate-warnings.ts';

export const SONNET_4_5 = 'claude-sonnet-4-5-20250929';
export const SONNET_5_5 = 'claude-sonnet-5-5';

const TERMS: EstimateTerms = {
  markers: 'respect',
  profile: 'required',
  minimumTokens: (model) => findModel(model)?.minimumCacheTokens ?? 1024,
  isPriced: true,
  isBatch: true,
  atMs: Date.parse('2026-11-21T00:00:00Z'),
};

export interface EstimateCase {
  readonly prompts: readonly (readonly Block[])[];
  readonly model?: (request: number) => string;
  /** Of each request; 1,024 if absent. */
  readonly maxTokens?: readonly number[];
  readonly terms?: Partial<EstimateTerms>;
  readonly notes?: Partial<RequestNotes>;
}

/** Estimates a batch on the API's terms, at what a batch costs, unless told otherwise. */
export function estimated({ prompts, model = () => SONNET_4_5, maxTokens, terms, notes }: EstimateCase): Estimated {
  const blocks = blocksOf(prompts, model);
  const all = { ...TERMS, ...terms };
  const plan = planPrefixes(blocks, all);
  const limits = Uint32Array.from(maxTokens ?? prompts.map(() => 1024));
  const noted: RequestNotes = {
    maxTokens: limits,
    toolCount: new Uint16Array(prompts.length),
    toolSet: new Float64Array(prompts.length),
    ...notes,
  };
  return { blocks, plan, notes: noted, terms: all, estimate: estimateBatch(blocks, plan, limits, all) };
}
