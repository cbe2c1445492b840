import { planPrefixes, type PlacedPlan, type PromptBlocks, type Room } from '@batchwright/core';
import { expect, it } from 'vitest';
import { gridPrompts } from '../prompts/grids.ts';
import { documentMajor, FileOrder, questionMajor } from './file-order.ts';
import { GreedyOrder } from './greedy-order.ts';
import type { Order } from './order.ts';

const ROOM: Room = { nowMs: 0, idle: 10, concurrency: 10, firstByteMs: 1000, durationMs: 20_000 };
const GRID = { documents: 2, questions: 3, documentTokens: 2000, questionTokens: 10 } as const;

function planOf(prompts: PromptBlocks): PlacedPlan {
  return planPrefixes(prompts, { markers: 'respect', profile: 'required', minimumTokens: () => 1024 });
}

function all(order: Order): number[] {
  const taken: number[] = [];
  for (let turn = order.take(ROOM); turn !== null; turn = order.take(ROOM)) taken.push(turn.request);
  return taken;
}

it('document-major and question-major undo each other’s file order', () => {
  const byQuestion = planOf(gridPrompts({ ...GRID, order: 'question_major' }, 'm'));
  expect([...documentMajor(byQuestion)]).toEqual([0, 2, 4, 1, 3, 5]);
  const byDocument = planOf(gridPrompts(GRID, 'm'));
  expect([...questionMajor(byDocument)]).toEqual([0, 3, 1, 4, 2, 5]);
});

it('a queue hands out in order, what is given back last, and nothing that is not pending', () => {
  const order = new FileOrder([2, 0, 1, 3], (request) => request !== 0);
  expect(order.take(ROOM)?.request).toBe(2);
  order.push(2);
  expect(order.size).toBe(3);
  expect(all(order)).toEqual([1, 3, 2]);
  expect(order.isReady()).toBe(false);
});

it('greedy goes by the file until it has seen a prefix, then stays with that', () => {
  const order = new GreedyOrder(planOf(gridPrompts({ ...GRID, order: 'question_major' }, 'm')), () => true);
  expect(order.take(ROOM)?.request).toBe(0);
  expect(order.take(ROOM)?.request).toBe(1);
  order.firstByte(1);
  expect([order.take(ROOM)?.request, order.take(ROOM)?.request]).toEqual([3, 5]);
  order.push(1);
  expect(all(order)).toEqual([1, 2, 4]);
  expect(order.size).toBe(0);
});
