/** W17: workloads sent to a native batch API, wave by wave. */
import type { PromptBlocks } from '@batchwright/core';
import { gridPrompts } from '../prompts/grids.ts';
import { SONNET_4_5 } from '../workloads/models.ts';
import { skewedPrompts } from '../workloads/prompt-trees.ts';
import { W1_GRID, W2_GRID, W3_GRID, W7_GRID } from '../workloads/shared-documents.ts';

/** One workload as it is sent in waves. */
export interface WaveCase {
  readonly id: string;
  readonly title: string;
  readonly model: string;
  readonly minimumTokens: number;
  /** As a client without a planner marks them. */
  readonly prompts: () => PromptBlocks;
  /** What it is worth to be done a wave sooner. */
  readonly waveUsd: number;
  /** Least efficiency against the bound of entries that live an hour; null where tokens are given up for time. */
  readonly efficiency: number | null;
}

/** How long a native batch takes. */
export const WAVE_MS = 10 * 60_000;

const BASE = { ...SONNET_4_5, waveUsd: 0, efficiency: 0.999 } as const;
const { model } = BASE;

export const WAVE_CASES: readonly WaveCase[] = [
  { ...BASE, id: 'W17/W1', title: 'W1 in waves', prompts: () => gridPrompts(W1_GRID, model) },
  { ...BASE, id: 'W17/W2', title: 'W2 in waves', prompts: () => gridPrompts(W2_GRID, model) },
  { ...BASE, id: 'W17/W3', title: 'W3 in waves', prompts: () => gridPrompts(W3_GRID, model) },
  {
    ...BASE,
    id: 'W17/sooner',
    title: 'W3 in waves, ten minutes being worth a dollar',
    prompts: () => gridPrompts(W3_GRID, model),
    waveUsd: 1,
    efficiency: null,
  },
  { ...BASE, id: 'W17/W7', title: 'W7 in waves', prompts: () => gridPrompts(W7_GRID, model) },
  { ...BASE, id: 'W17/W9', title: 'W9 in waves', prompts: () => skewedPrompts(50_000) },
];
