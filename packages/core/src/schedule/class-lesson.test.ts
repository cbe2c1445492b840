import { expect, it } from 'vitest';
import { ClassLesson } from './class-lesson.ts';

const times = (count: number, action: () => void): void => Array.from({ length: count }).forEach(action);

it('W6 four misses in a row are enough to doubt, and hits restore trust', () => {
  const lesson = new ClassLesson();
  times(3, () => lesson.miss(60_000));
  expect(lesson.isDoubtful).toBe(false);
  lesson.miss(60_000);
  expect(lesson.isDoubtful).toBe(true);
  times(8, () => lesson.hit(60_000));
  expect(lesson.isDoubtful).toBe(false);
});

it('W7 a miss of one that had waited doubles the wait, to eight seconds; a herd of them counts once', () => {
  const lesson = new ClassLesson();
  const waits = Array.from({ length: 8 }, () => {
    const ageMs = lesson.settleMs;
    times(5, () => lesson.miss(ageMs));
    return lesson.settleMs;
  });
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

it('W7 a miss of an old prefix says nothing of its youth', () => {
  const lesson = new ClassLesson();
  lesson.miss(60_000);
  expect(lesson.settleMs).toBe(0);
});

it('W7 once one that young was read, youth is no reason', () => {
  const lesson = new ClassLesson();
  lesson.miss(0);
  lesson.miss(250);
  expect(lesson.settleMs).toBe(500);
  lesson.hit(100);
  expect(lesson.settleMs).toBe(100);
  lesson.miss(100);
  expect(lesson.settleMs).toBe(100);
});

it('W8 sixteen misses in a row of those that had waited are without hope, and one hit restores it', () => {
  const lesson = new ClassLesson();
  times(15, () => lesson.miss(60_000));
  expect(lesson.neverHits).toBe(false);
  lesson.miss(60_000);
  expect(lesson.neverHits).toBe(true);
  lesson.hit(60_000);
  expect(lesson.neverHits).toBe(false);
});

it('W5 one prefix that is not cached is an exception, two make a rule for all that are no larger', () => {
  const lesson = new ClassLesson();
  expect(lesson.notCached(900)).toBe(false);
  expect(lesson.isTooSmall(500)).toBe(false);
  expect(lesson.notCached(700)).toBe(true);
  expect([lesson.isTooSmall(700), lesson.isTooSmall(701)]).toEqual([true, false]);
});

it('W5 what was cached once is not too small, whatever others say', () => {
  const lesson = new ClassLesson();
  lesson.cached(600);
  lesson.notCached(900);
  expect(lesson.notCached(900)).toBe(false);
  expect(lesson.isTooSmall(600)).toBe(false);
});

it('W5 a rule that proves wrong is taken back', () => {
  const lesson = new ClassLesson();
  lesson.notCached(900);
  lesson.notCached(900);
  lesson.cached(800);
  expect([lesson.isTooSmall(799), lesson.isTooSmall(800)]).toEqual([true, false]);
});
