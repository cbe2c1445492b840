import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOfId, IdTable } from './id-table.ts';

describe('a table of ids', () => {
  it('finds the numbers under every hash, however many there are and whatever room it began with', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 3000 }), fc.nat(4000), (hashes, room) => {
        const table = new IdTable(room);
        const expected = new Map<number, number[]>();
        hashes.forEach((hash, number) => {
          expect(table.under(hash)).toEqual(expected.get(hash) ?? []);
          table.add(hash);
          expected.set(hash, [...(expected.get(hash) ?? []), number]);
        });
        for (const [hash, numbers] of expected) expect(table.under(hash)).toEqual(numbers);
        expect(table.under(1000)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the hash of an id', () => {
  it('tells 300,000 ids apart that differ as little as ids do', () => {
    const hashes = new Set<number>();
    for (let i = 0; i < 100_000; i++) {
      for (const id of [`row-${i}`, `${i}`, `${i.toString(16).padStart(32, '0')}-${i % 7}`]) hashes.add(hashOfId(id));
    }
    expect(hashes.size).toBe(300_000);
    expect([...hashes].every((hash) => Number.isSafeInteger(hash) && hash >= 0)).toBe(true);
  });

  it('fills 53 bits', () => {
    let [low, high] = [2 ** 53, 0];
    for (let i = 0; i < 10_000; i++) {
      low = Math.min(low, hashOfId(`row-${i}`));
      high = Math.max(high, hashOfId(`row-${i}`));
    }
    expect(low).toBeLessThan(2 ** 41);
    expect(high).toBeGreaterThan(2 ** 53 - 2 ** 41);
  });
});
