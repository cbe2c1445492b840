import { expect, it } from 'vitest';
import { StartSpread } from './start-spread.ts';
import type { Room } from './turn.ts';

const TTL_MS = 300_000;

function room(nowMs: number, change: Partial<Room> = {}): Room {
  return { nowMs, idle: 1, concurrency: 4, firstByteMs: 1000, durationMs: 400_000, ...change };
}

it('S9 calls that end well within the life of an entry start when they like', () => {
  const spread = new StartSpread();
  const quick = room(5, { durationMs: 240_000 });
  spread.started(0, quick, TTL_MS);
  spread.started(0, quick, TTL_MS);
  expect(spread.startsMs(0, quick, TTL_MS, 100, 1)).toBe(5);
  expect(spread.groupLimit(quick, TTL_MS)).toBe(Number.POSITIVE_INFINITY);
});

it('S9 of longer ones, half start in each half of a call’s duration', () => {
  const spread = new StartSpread();
  const starts = [0, 1, 2, 3].map((nowMs) => {
    const startsMs = spread.startsMs(0, room(nowMs), TTL_MS, 100, 1);
    if (startsMs === nowMs) spread.started(0, room(nowMs), TTL_MS);
    return startsMs;
  });
  expect(starts).toEqual([0, 1, 190_000, 190_000]);
  expect(spread.startsMs(0, room(190_000), TTL_MS, 100, 1)).toBe(190_000);
});

it('S9 open prefixes share the places, and there are no more of them than phases allow', () => {
  const spread = new StartSpread();
  spread.started(0, room(0), TTL_MS);
  expect(spread.startsMs(0, room(1), TTL_MS, 100, 2)).toBe(190_000);
  expect(spread.groupLimit(room(0), TTL_MS)).toBe(2);
});

it('S9 a share is rounded up, but not so that a later phase has no place for each', () => {
  const quota = (openGroups: number): number => {
    const spread = new StartSpread();
    const wide = room(0, { concurrency: 50 });
    let started = 0;
    for (; spread.startsMs(0, wide, TTL_MS, 100, openGroups) === 0; started++) spread.started(0, wide, TTL_MS);
    return started;
  };
  expect([1, 10, 16, 20, 25].map(quota)).toEqual([25, 3, 2, 1, 1]);
});

it('S9 when there is a place for all that wait, or too few to keep anything warm, nobody waits', () => {
  const spread = new StartSpread();
  spread.started(0, room(0, { concurrency: 2 }), TTL_MS);
  expect(spread.startsMs(0, room(1, { concurrency: 2, idle: 3 }), TTL_MS, 3, 1)).toBe(1);
  expect(spread.startsMs(0, room(1, { concurrency: 1 }), TTL_MS, 100, 1)).toBe(1);
  expect(spread.groupLimit(room(0, { concurrency: 1 }), TTL_MS)).toBe(Number.POSITIVE_INFINITY);
});

it('S9 a node that has nothing waiting any more leaves no trace', () => {
  const spread = new StartSpread();
  spread.started(0, room(0, { concurrency: 2 }), TTL_MS);
  spread.forget(0);
  expect(spread.startsMs(0, room(1, { concurrency: 2 }), TTL_MS, 100, 1)).toBe(1);
});
