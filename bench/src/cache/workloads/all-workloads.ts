import { workloadOf, type Case } from './case.ts';
import { PROMPT_TREES } from './prompt-trees.ts';
import { SHARED_DOCUMENTS } from './shared-documents.ts';
import { TROUBLED } from './troubled.ts';

/** Every case, in the order of the workloads' numbers. */
export const CASES: readonly Case[] = [...SHARED_DOCUMENTS, ...PROMPT_TREES, ...TROUBLED].sort(
  (a, b) => numberOf(a) - numberOf(b),
);

function numberOf(each: Case): number {
  return Number(workloadOf(each).slice(1));
}
