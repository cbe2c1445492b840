/** W1–W8, W14 and W20: questions on documents, in the sizes and orders that schedules fail at. */
import type { PromptBlocks } from '@batchwright/core';
import { gridPrompts, type Grid } from '../prompts/grids.ts';
import { PromptTable, unmarked } from '../prompts/prompt-table.ts';
import type { Case, CaseBatch } from './case.ts';
import { SONNET_4_5, SONNET_5_5 } from './models.ts';

export const W1_GRID: Grid = { documents: 1, questions: 3, documentTokens: 1248, questionTokens: 12 };
export const W2_GRID: Grid = { documents: 100, questions: 1000, documentTokens: 20_000, questionTokens: 50 };
export const W3_GRID: Grid = { ...W2_GRID, systemTokens: 4000, documents: 50, questions: 200 };
export const W5_GRID: Grid = { documents: 1, questions: 500, documentTokens: 600, questionTokens: 80 };
export const W6_GRID: Grid = { ...W2_GRID, documents: 20, questions: 50, order: 'question_major' };
export const W7_GRID: Grid = { ...W2_GRID, documents: 200, questions: 500 };
export const W8_GRID: Grid = { ...W2_GRID, documents: 20_000, questions: 5 };

const W3_MARKED: Grid = { ...W3_GRID, marks: ['system', 'document'] };

/** W4: prompts that have nothing in common. */
export function uniquePrompts(model: string, { isMarked = false, count = 1000 } = {}): PromptBlocks {
  const table = new PromptTable();
  for (let i = 0; i < count; i++) {
    table.add([
      { says: 5e8 + i, tokens: 5000, mark: isMarked ? '5m' : undefined },
      { says: 6e8 + i, tokens: 50 },
    ]);
  }
  return table.prompts(model);
}

export const one = (prompts: PromptBlocks): readonly CaseBatch[] => [{ tenant: 'a', prompts }];

const BASE = { ...SONNET_4_5, concurrency: 50, markers: 'respect', isCompared: true } as const;

const ADAPTIVE_NOTE = 'the orders are judged with fixed places; here is what finding them out costs besides';

export const SHARED_DOCUMENTS: readonly Case[] = [
  {
    ...BASE,
    id: 'W1',
    title: '3 questions on 1 document',
    concurrency: 3,
    batches: () => one(gridPrompts(W1_GRID, BASE.model)),
    goals: { isExact: true },
  },
  {
    ...BASE,
    id: 'W2',
    title: '1,000 questions on each of 100 documents',
    batches: () => one(gridPrompts(W2_GRID, BASE.model)),
    goals: { isExact: true, makespan: 1.005 },
  },
  {
    ...BASE,
    id: 'W3',
    title: '200 questions on each of 50 documents after one system prompt',
    batches: () => one(gridPrompts(W3_MARKED, BASE.model)),
    goals: { isExact: true, makespan: 1.05 },
  },
  {
    ...BASE,
    id: 'W3/exact',
    title: 'W3 where a read keeps alive what was read and nothing above it',
    cache: { refresh: 'exact' },
    batches: () => one(gridPrompts(W3_MARKED, BASE.model)),
    isCompared: false,
    goals: {},
    note: 'which of the two holds is written nowhere; the goals are judged with the whole path kept alive',
  },
  {
    ...BASE,
    id: 'W4',
    title: '1,000 prompts with nothing in common',
    batches: () => one(uniquePrompts(BASE.model)),
    goals: { isExact: true, isUndelayed: true },
  },
  {
    ...BASE,
    id: 'W5/1024',
    title: 'a prefix of 600 tokens where 1,024 is the least',
    batches: () => one(gridPrompts(W5_GRID, BASE.model)),
    goals: { isExact: true, isUndelayed: true },
  },
  {
    ...BASE,
    ...SONNET_5_5,
    id: 'W5/512',
    title: 'a prefix of 600 tokens where 512 is the least',
    batches: () => one(gridPrompts(W5_GRID, SONNET_5_5.model)),
    goals: { isExact: true },
    note: 'here the bound itself asks 499 requests to wait for the first byte of one',
  },
  {
    ...BASE,
    id: 'W6',
    title: '50 questions on each of 20 documents, question by question, one call at a time',
    concurrency: 1,
    batches: () => one(gridPrompts(W6_GRID, BASE.model)),
    goals: { isExact: true, makespan: 1.005 },
  },
  {
    ...BASE,
    id: 'W7',
    title: '500 questions on each of 200 documents, 1,000 calls at a time',
    concurrency: 1000,
    batches: () => one(gridPrompts(W7_GRID, BASE.model)),
    goals: { isExact: true, makespan: 1.005 },
  },
  {
    ...BASE,
    id: 'W7/adaptive',
    title: 'W7 where the 1,000 places are found out as the server does, from 16 on',
    concurrency: 1000,
    isAdaptive: true,
    batches: () => one(gridPrompts(W7_GRID, BASE.model)),
    isCompared: false,
    goals: {},
    note: ADAPTIVE_NOTE,
  },
  {
    ...BASE,
    id: 'W8',
    title: '5 questions on each of 20,000 documents, 1,000 calls at a time',
    concurrency: 1000,
    batches: () => one(gridPrompts(W8_GRID, BASE.model)),
    goals: { isExact: true, makespan: 1.005 },
  },
  {
    ...BASE,
    id: 'W14',
    title: 'W2 at 1,000 requests and 2,000,000 input tokens a minute',
    concurrency: 1000,
    limits: { requestsPerMinute: 1000, inputTokensPerMinute: 2_000_000 },
    batches: () => one(gridPrompts(W2_GRID, BASE.model)),
    goals: { isExact: true },
  },
  {
    ...BASE,
    id: 'W14/adaptive',
    title: 'W14 where the places are found out as the server does',
    concurrency: 1000,
    isAdaptive: true,
    limits: { requestsPerMinute: 1000, inputTokensPerMinute: 2_000_000 },
    batches: () => one(gridPrompts(W2_GRID, BASE.model)),
    isCompared: false,
    goals: { isExact: true },
  },
  {
    ...BASE,
    id: 'W20/W2',
    title: 'W2 without a marker of the client’s',
    markers: 'auto',
    batches: () => one(unmarked(gridPrompts(W2_GRID, BASE.model))),
    goals: { isExact: true, makespan: 1.005 },
  },
  {
    ...BASE,
    id: 'W20/W3',
    title: 'W3 without a marker of the client’s',
    markers: 'auto',
    batches: () => one(unmarked(gridPrompts(W3_GRID, BASE.model))),
    goals: { isExact: true, makespan: 1.05 },
  },
];
