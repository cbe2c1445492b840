import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const FILL_MS = 60_000;
const calls = fc.array(fc.nat(5000), { maxLength: 200, size: 'max' });

it('L1 no stretch of time gives more than a full bucket and what flowed in meanwhile', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), calls, (capacity, gaps) => {
      const bucket = new TokenBucket(capacity, FILL_MS, 0);
      let now = 0;
      const taken: number[] = [];
      for (const gap of gaps) {
        now += gap;
        if (bucket.take(1, now)) taken.push(now);
      }
      for (let from = 0; from < taken.length; from += 7) {
        const stretch = (taken.at(-1) ?? 0) - (taken[from] ?? 0);
        expect(taken.length - from).toBeLessThanOrEqual(capacity + (stretch * capacity) / FILL_MS + 0.001);
      }
    }),
  );
});

it('L2 the wait it names is enough, and a millisecond less is not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), calls, (capacity, gaps) => {
      const bucket = new TokenBucket(capacity, FILL_MS, 0);
      let now = 0;
      for (const gap of gaps) bucket.take(1, (now += gap));
      const wait = bucket.waitMs(1, now);
      if (wait > 0) expect(bucket.take(1, now + wait - 1)).toBe(false);
      expect(bucket.take(1, now + wait)).toBe(true);
    }),
  );
});

it('L1 time that goes back refills nothing', () => {
  const bucket = new TokenBucket(1, FILL_MS, 1000);
  expect(bucket.take(1, 1000)).toBe(true);
  expect(bucket.take(1, 0)).toBe(false);
  expect(bucket.take(1, 1000)).toBe(false);
});

it('L1 time that goes back takes nothing away', () => {
  const bucket = new TokenBucket(4, FILL_MS, 1000);
  expect(bucket.remaining(0)).toBe(4);
});

it('L1 a bucket of nothing is our own mistake', () => {
  expect(() => new TokenBucket(0, FILL_MS, 0)).toThrow(/needs a capacity/);
});
