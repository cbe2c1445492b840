import { performance } from 'node:perf_hooks';
import { billOf, planPrefixes, planWaves, type PlacedPlan, type PromptBlocks } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import { boundOf, costOf, ratesOf, type CostTerms, type TokenBound } from '../bounds/token-cost.ts';
import type { BillTally } from '../play/bill-tally.ts';
import { unmarked } from '../prompts/prompt-table.ts';
import { OUTPUT_TOKENS, PLAYED_AT_MS } from '../workloads/models.ts';
import { sendWaves, type SentBatch } from './send-waves.ts';
import type { WaveCase } from './wave-cases.ts';

/** What a way of sending a workload to a native batch API came to. */
export interface SentOutcome {
  readonly order: string;
  readonly waves: number;
  readonly written: number;
  readonly read: number;
  readonly input: number;
  /** The bound's cost by the actual one, of the input side. */
  readonly efficiency: number;
  /** With the batch discount, answers included. */
  readonly usd: number;
}

/** What a case in waves came to. */
export interface WaveResult {
  readonly case: WaveCase;
  readonly requests: number;
  /** With each shared prefix written once, for an hour. */
  readonly bound: TokenBound;
  readonly ours: SentOutcome;
  readonly others: readonly SentOutcome[];
  /** Whether each wave was billed for what was predicted of it, to the token. */
  readonly isAsPredicted: boolean;
  readonly planMs: number;
}

/** Sends a case in core's waves, and as one batch with and without markers. */
export function measureWaves(measured: WaveCase): WaveResult {
  const { model, minimumTokens } = measured;
  const marked = measured.prompts();
  const prompts = unmarked(marked);
  const terms: CostTerms = { rates: ratesOf(model, PLAYED_AT_MS), minimumTokens, ttlClass: '1h' };
  const bound = boundOf([{ prompts, times: new Uint8Array(prompts.requestCount).fill(1) }], terms);
  const startedMs = performance.now();
  const { plan, waves } = planned(measured, prompts, terms);
  const planMs = performance.now() - startedMs;
  const tallies = sendWaves({ prompts, plan, minimumTokens }, waves.batches);
  const outcome = (order: string, sent: readonly BillTally[]): SentOutcome =>
    outcomeOf(order, sent, model, bound, terms);
  const cold: readonly SentBatch[] = [{ wave: 0, requests: Uint32Array.from(waves.wave.keys()) }];
  return {
    case: measured,
    requests: prompts.requestCount,
    bound,
    ours: outcome('in waves', tallies),
    others: [
      outcome('one batch, no markers', sendWaves({ prompts, plan: null, minimumTokens }, cold)),
      outcome('one batch, as the client marks', sendWaves({ prompts: marked, plan: null, minimumTokens }, cold)),
    ],
    isAsPredicted: waves.usage.every((usage, wave) => {
      const { write5mTokens, write1hTokens, readTokens, inputTokens } = tallies[wave]!.bill;
      return (
        usage.written5m === write5mTokens &&
        usage.written1h === write1hTokens &&
        usage.read === readTokens &&
        usage.input === inputTokens
      );
    }),
    planMs,
  };
}

function planned({ model, minimumTokens, waveUsd }: WaveCase, prompts: PromptBlocks, { rates }: CostTerms) {
  const options = { markers: 'auto', profile: 'required', minimumTokens: () => minimumTokens, ttlClass: '1h' } as const;
  const plan: PlacedPlan = planPrefixes(prompts, options);
  const latencyTokens = waveUsd / usdOf(model, { inputTokens: 1 });
  return { plan, waves: planWaves(plan, { rates, latencyTokens, maxRequests: LIMITS.batchRequests }) };
}

function outcomeOf(
  order: string,
  tallies: readonly BillTally[],
  model: string,
  bound: TokenBound,
  { rates }: CostTerms,
): SentOutcome {
  const counts = tallies.map((tally) => tally.tokenCounts(OUTPUT_TOKENS));
  const sum = (part: (count: (typeof counts)[number]) => number): number =>
    counts.reduce((total, count) => total + part(count), 0);
  return {
    order,
    waves: tallies.length,
    written: sum(({ write5mTokens, write1hTokens }) => write5mTokens + write1hTokens),
    read: sum(({ readTokens }) => readTokens),
    input: sum(({ inputTokens }) => inputTokens),
    efficiency: bound.cost / sum((count) => costOf(count, rates)),
    usd: sum((count) => usdOf(model, count)),
  };
}

function usdOf(model: string, tokens: Partial<ReturnType<BillTally['tokenCounts']>>): number {
  const none = { inputTokens: 0, write5mTokens: 0, write1hTokens: 0, readTokens: 0, outputTokens: 0 };
  const nanoUsd = billOf(model, { ...none, ...tokens }, { atMs: PLAYED_AT_MS, isBatch: true });
  if (nanoUsd === null) throw new Error(`${model} has no price.`);
  return nanoUsd / 1e9;
}
