/** W9, W15 and W19: prompts that share on many levels, or almost. */
import type { PromptBlocks } from '@batchwright/core';
import { Chance, Zipf } from '../prompts/chance.ts';
import { PromptTable, unmarked, type Block } from '../prompts/prompt-table.ts';
import type { Case, CaseBatch } from './case.ts';
import { SONNET_4_5 } from './models.ts';
import { one } from './shared-documents.ts';

const BASE = { ...SONNET_4_5, concurrency: 100, markers: 'auto', isCompared: true } as const;

/** Prompts as a client marks them, played without those markers where a planner places its own. */
const planned = (marked: PromptBlocks): readonly CaseBatch[] => [
  { tenant: 'a', prompts: unmarked(marked), plain: marked },
];

/** A tokens' size of its own for each number, the same in every prompt that has it. */
const sizeOf = (says: number, least: number, most: number): number => new Chance(says).between(least, most);

/** Three levels, each as skewed as Zipf 1.1. */
export function skewedPrompts(requests: number): PromptBlocks {
  const chance = new Chance(9);
  const [topics, documents, sections] = [new Zipf(100, 1.1), new Zipf(50, 1.1), new Zipf(20, 1.1)];
  const table = new PromptTable();
  for (let i = 0; i < requests; i++) {
    const topic = 1e8 + topics.draw(chance);
    const document = topic * 50 + documents.draw(chance);
    const section = document * 20 + sections.draw(chance);
    table.add([
      { says: topic, tokens: sizeOf(topic, 2000, 6000), mark: '5m' },
      { says: document, tokens: sizeOf(document, 5000, 20_000), mark: '5m' },
      { says: section, tokens: sizeOf(section, 1000, 3000), mark: '5m' },
      { says: 3e9 + i, tokens: chance.between(20, 200) },
    ]);
  }
  return table.prompts(BASE.model);
}

/** Few-shot turns of 25 blocks each on so many levels; each level but the first has `fan` variants. */
function fewShotPrompts(levels: number, fan: number, requestsPerLeaf: number): PromptBlocks {
  const table = new PromptTable();
  const leaves = fan ** (levels - 1);
  for (let i = 0; i < leaves * requestsPerLeaf; i++) {
    const blocks: Block[] = [];
    for (let level = 0; level < levels; level++) {
      const variant = Math.floor((i % leaves) / fan ** (levels - 1 - level));
      const turn = 1e6 * (level + 1) + variant;
      for (let block = 0; block < 25; block++) blocks.push({ says: turn * 32 + block, tokens: 60 });
    }
    table.add([...blocks, { says: 3e9 + i, tokens: 80 }]);
  }
  return table.prompts(BASE.model);
}

/**
 * The same tools, system prompt and documents, but every fourth prompt lists its tools in another order, every sixth
 * thinks, and every tenth shows an image with its question: each of these changes what can be shared, from the tools,
 * the root and the messages on.
 */
function saltedPrompts(documents: number, questions: number): PromptBlocks {
  const chance = new Chance(19);
  const table = new PromptTable();
  for (let i = 0; i < documents * questions; i++) {
    const root = chance.unit() < 1 / 6 ? 1 : 0;
    const tools = chance.unit() < 1 / 4 ? 1 : 0;
    const hasImage = chance.unit() < 1 / 10;
    const document = i % documents;
    table.add([
      { says: 1e6 + 2 * root + tools, tokens: 1500 },
      { says: 2e6, tokens: 2000, mark: '5m' },
      { says: 3e6 + 2 * document + (hasImage ? 1 : 0), tokens: 20_000, mark: '5m' },
      ...(hasImage ? [{ says: 4e6 + i, tokens: 1600 }] : []),
      { says: 3e9 + i, tokens: 50 },
    ]);
  }
  return table.prompts(BASE.model);
}

export const PROMPT_TREES: readonly Case[] = [
  {
    ...BASE,
    id: 'W9',
    title: '50,000 requests on three levels, each as skewed as Zipf 1.1',
    batches: () => planned(skewedPrompts(50_000)),
    goals: { isExact: true, makespan: 1.05 },
  },
  {
    ...BASE,
    id: 'W15/4',
    title: 'few-shot turns of 25 blocks on 4 levels, 20 requests a leaf',
    concurrency: 50,
    batches: () => one(fewShotPrompts(4, 4, 20)),
    goals: { isExact: true },
  },
  {
    ...BASE,
    id: 'W15/6',
    title: 'few-shot turns of 25 blocks on 6 levels, 8 requests a leaf',
    concurrency: 50,
    batches: () => one(fewShotPrompts(6, 3, 8)),
    goals: {},
    note: 'six levels cannot all be marked with four markers, so the bound is out of reach; η says how far',
  },
  {
    ...BASE,
    id: 'W19',
    title: 'tools in two orders, thinking and images on and off, 20 documents of 500 questions',
    concurrency: 50,
    batches: () => planned(saltedPrompts(20, 500)),
    goals: { isExact: true },
  },
];
