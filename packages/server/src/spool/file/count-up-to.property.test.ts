import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countUpTo } from './count-up-to.ts';

it('counts as a look at each number would', () => {
  const sorted = fc.array(fc.integer({ min: 0, max: 20 })).map((numbers) => numbers.toSorted((a, b) => a - b));
  fc.assert(
    fc.property(sorted, fc.nat({ max: 40 }), fc.integer({ min: -1, max: 21 }), (numbers, most, limit) => {
      const count = Math.min(most, numbers.length);
      expect(countUpTo(numbers, count, limit)).toBe(numbers.slice(0, count).filter((number) => number <= limit).length);
    }),
  );
});
