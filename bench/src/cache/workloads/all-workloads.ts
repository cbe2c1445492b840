import { workloadOf, type Case } from './case.ts';
import { PROMPT_TREES } from './prompt-trees.ts';
import { SHARED_DOCUMENTS } from './shared-documents.ts';
import { TROUBLED } from './troubled.ts';

/** Every case, in the order of the workloads' numbers. */
export const CASES: readonly Case[] = [...SHARED_DOCUMENTS, ...PROMPT_TREES, ...TROUBLED].sort(
  (a, b) => numberOf(a) - numberOf(b),
);

/** What cannot be played because what it would show is not there yet. */
export const NOT_BUILT: readonly { readonly id: string; readonly reason: string }[] = [
  { id: 'W17', reason: 'native batches, wave by wave: core plans no waves yet, so there is nothing to measure' },
];

function numberOf(each: Case): number {
  return Number(workloadOf(each).slice(1));
}
