import { BLOCK_TRAITS } from '@batchwright/core';
import { expect, it } from 'vitest';
import { Chance, Zipf } from './chance.ts';
import { gridPrompts, gridWarmUps } from './grids.ts';
import { joined, prefixesOf, PromptTable, promptsAt, unmarked } from './prompt-table.ts';

const GRID = { documents: 3, questions: 2, documentTokens: 2000, questionTokens: 10, systemTokens: 500 } as const;

function tableOf(...prompts: readonly (readonly number[])[]): PromptTable {
  const table = new PromptTable();
  for (const prompt of prompts) table.add(prompt.map((says) => ({ says, tokens: 10 })));
  return table;
}

it('prompts are the same up to where they say the same, in every table', () => {
  const { hash } = tableOf([1, 2, 3], [1, 2, 4]).prompts('m');
  const [other] = tableOf([1, 9]).prompts('m').hash;
  expect(hash[0]).toBe(hash[3]);
  expect(hash[1]).toBe(hash[4]);
  expect(hash[2]).not.toBe(hash[5]);
  expect(other).toBe(hash[0]);
});

it('the same block after another is another prefix, and so is the same prompt of another model', () => {
  const { hash } = tableOf([1, 3], [2, 3]).prompts('m');
  expect(hash[1]).not.toBe(hash[3]);
  const table = new PromptTable(1);
  table.add([{ says: 1, tokens: 10 }]);
  expect(table.prompts('n').hash[0]).not.toBe(hash[0]);
});

it('a hundred thousand prefixes are as many hashes, all of them safe integers', () => {
  const { hash } = tableOf(...Array.from({ length: 100_000 }, (_, i) => [i])).prompts('m');
  expect(new Set(hash).size).toBe(100_000);
  expect(hash.every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(true);
});

it('the two orders of a grid hold the same prompts', () => {
  const sorted = (order: 'document_major' | 'question_major'): readonly number[] =>
    [...gridPrompts({ ...GRID, order }, 'm').hash].sort((a, b) => a - b);
  expect(sorted('question_major')).toEqual(sorted('document_major'));
});

it('a warm-up is a document’s prompt without its question', () => {
  const prompts = gridPrompts(GRID, 'm');
  const warmUps = gridWarmUps(GRID, 'm');
  expect(warmUps).toEqual(prefixesOf(promptsAt(prompts, [0, 2, 4]), [2, 2, 2]));
  expect(warmUps.traits[1]).toBe(BLOCK_TRAITS.markable | BLOCK_TRAITS.marked5m);
});

it('tables joined are the prompts of one after those of the other', () => {
  const [a, b] = [tableOf([1, 2], [3]).prompts('m'), tableOf([4], [5, 6]).prompts('m')];
  expect(joined([a, b])).toEqual(tableOf([1, 2], [3], [4], [5, 6]).prompts('m'));
});

it('unmarked takes the markers and nothing else', () => {
  const prompts = gridPrompts(GRID, 'm');
  expect(unmarked(prompts)).toEqual(gridPrompts({ ...GRID, marks: [] }, 'm'));
});

it('chance is the seed’s, and a shuffle loses nobody', () => {
  expect(new Chance(3).shuffled(50)).toEqual(new Chance(3).shuffled(50));
  expect(new Chance(3).shuffled(50)).not.toEqual(new Chance(4).shuffled(50));
  expect([...new Chance(3).shuffled(50)].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

it('Zipf draws the first most, in proportion', () => {
  const [zipf, chance, counts] = [new Zipf(10, 1), new Chance(1), new Uint32Array(10)];
  for (let i = 0; i < 30_000; i++) {
    const drawn = zipf.draw(chance);
    counts[drawn] = counts[drawn]! + 1;
  }
  expect(counts[0]! / counts[1]!).toBeCloseTo(2, 0);
  expect(counts[0]! / counts[9]!).toBeGreaterThan(7);
  expect(counts[9]).toBeGreaterThan(0);
});
