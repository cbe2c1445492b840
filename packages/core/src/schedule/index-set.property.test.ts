import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IndexSet } from './index-set.ts';

it('agrees with a plain set, at every size that needs another level', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(fc.constantFrom(1, 31, 32, 33, 1023, 1024, 1025, 40_000), steps, (capacity, operations) => {
      const [set, model] = [new IndexSet(capacity), new Set<number>()];
      for (const [isMember, at] of operations) {
        const member = at % capacity;
        set.set(member, isMember);
        if (isMember) model.add(member);
        else model.delete(member);
        expect(set.has(member)).toBe(isMember);
        expect(set.isEmpty).toBe(model.size === 0);
        const from = (at * 7) % capacity;
        expect(set.next(from)).toBe([...model].toSorted((a, b) => a - b).find((known) => known >= from) ?? -1);
      }
      expect(walk(set)).toEqual([...model].toSorted((a, b) => a - b));
    }),
    { numRuns: 40 },
  );
});

it('has nothing beyond its last member', () => {
  const set = new IndexSet(64);
  set.add(63);
  expect([set.next(0), set.next(63), set.next(64)]).toEqual([63, 63, -1]);
});

function walk(set: IndexSet): number[] {
  const members: number[] = [];
  for (let member = set.next(0); member !== -1; member = set.next(member + 1)) members.push(member);
  return members;
}
