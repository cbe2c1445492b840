import type { MarkerTtl, PromptBlocks } from '@batchwright/core';
import { PromptTable, type Block } from './prompt-table.ts';

/** Questions on documents, perhaps after a system prompt that all share. */
export interface Grid {
  readonly documents: number;
  readonly questions: number;
  readonly documentTokens: number;
  readonly questionTokens: number;
  readonly systemTokens?: number;
  /** Which blocks the client marks; the document alone unless told. */
  readonly marks?: readonly ('system' | 'document')[];
  readonly ttl?: MarkerTtl;
  readonly order?: 'document_major' | 'question_major';
  /** Makes its documents others than those of grids with another. */
  readonly salt?: number;
  /** Makes its questions others than those of grids with another. */
  readonly asker?: number;
}

/** Which of the block's kinds a number stands for, so that no two of them say the same. */
const KIND = { system: 1e9, document: 2e9, question: 3e9 } as const;

export function gridPrompts(grid: Grid, model: string): PromptBlocks {
  const table = new PromptTable();
  for (const [document, question] of cells(grid)) table.add(cell(grid, document, question));
  return table.prompts(model);
}

/** The prompts of the recipe's warm-up calls: each document, and nothing after it. */
export function gridWarmUps(grid: Grid, model: string): PromptBlocks {
  const table = new PromptTable();
  for (let document = 0; document < grid.documents; document++) table.add(cell(grid, document, 0).slice(0, -1));
  return table.prompts(model);
}

/** How often each document is asked about does not change; which comes first does. */
function* cells({ documents, questions, order = 'document_major' }: Grid): Generator<readonly [number, number]> {
  for (let i = 0; i < documents * questions; i++) {
    yield order === 'document_major'
      ? [Math.floor(i / questions), i % questions]
      : [i % documents, Math.floor(i / documents)];
  }
}

function cell(grid: Grid, document: number, question: number): readonly Block[] {
  const { marks = ['document'], ttl = '5m', systemTokens = 0, salt = 0, asker = 0 } = grid;
  const markOf = (kind: 'system' | 'document'): MarkerTtl | undefined => (marks.includes(kind) ? ttl : undefined);
  const system = { says: KIND.system + salt, tokens: systemTokens, mark: markOf('system') };
  return [
    ...(systemTokens > 0 ? [system] : []),
    { says: KIND.document + salt * 1e6 + document, tokens: grid.documentTokens, mark: markOf('document') },
    {
      says: KIND.question + (salt + asker) * 1e7 + document * grid.questions + question,
      tokens: grid.questionTokens,
    },
  ];
}
