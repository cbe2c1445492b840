import type { MarkerMode, MarkerTtl, PromptBlocks, UpstreamProfile } from '@batchwright/core';
import type { CacheOptions } from '@batchwright/simulator';
import type { UpstreamTerms } from '../play/simulated-upstream.ts';

/** One run of a workload; a workload whose point has several sides has a case for each. */
export interface Case {
  /** W1, or W5/1024 where there are several. */
  readonly id: string;
  readonly title: string;
  readonly model: string;
  readonly minimumTokens: number;
  readonly concurrency: number;
  /** Whether the places are found out by core's concurrency limit, from 16 on; fixed if absent. */
  readonly isAdaptive?: boolean;
  readonly batches: () => readonly CaseBatch[];
  readonly markers: MarkerMode;
  readonly ttlClass?: MarkerTtl;
  readonly profile?: UpstreamProfile;
  readonly answerMs?: number;
  readonly cache?: Partial<CacheOptions>;
  readonly replicas?: number;
  readonly limits?: UpstreamTerms['limits'];
  /** Makes what decides on a call's fate, for one play. */
  readonly faults?: () => UpstreamTerms['fault'];
  readonly restartAtMs?: number;
  /** What is known of the upstream's pace before the first call is over. */
  readonly pace?: { readonly firstByteMs: number; readonly durationMs: number };
  /** The least cost to expect where reads get lost by chance, in tokens at the price of input. */
  readonly lossyOptimum?: (prompts: PromptBlocks) => number;
  /** Whether the orders to compare with are played, too. */
  readonly isCompared: boolean;
  readonly goals: CaseGoals;
  /** What must be known to read the figures. */
  readonly note?: string;
}

export interface CaseBatch {
  readonly tenant: string;
  readonly prompts: PromptBlocks;
  /** As a client without a planner marks them; the prompts themselves if absent. */
  readonly plain?: PromptBlocks;
  readonly atMs?: number;
  readonly cancelAtMs?: number;
}

/** What a case is judged by. */
export interface CaseGoals {
  /** C1: tokens written and read equal the bound. */
  readonly isExact?: boolean;
  /** C2: least efficiency, against the bound; where reads get lost, against the best to expect; of each replica by itself. */
  readonly efficiency?: number;
  /** C3: most that the makespan may be of its lower bound; 2 if absent, null where none is judged. */
  readonly makespan?: number | null;
  /** C4: nobody waits while a place is idle, and the end is that of a plain queue. */
  readonly isUndelayed?: boolean;
}

/** The workload that a case belongs to. */
export function workloadOf({ id }: Case): string {
  return id.split('/')[0] ?? id;
}
