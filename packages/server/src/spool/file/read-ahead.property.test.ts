import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadAhead, ReadAheadBudget } from './read-ahead.ts';
import { SimulatedFiles } from './simulated-files.fixture.ts';

const BODY_BYTES = 24 * 1024 * 1024;
const RANGE_BYTES = 2500;
const BODY = new Uint8Array(BODY_BYTES);
for (let i = 0; i < BODY_BYTES; i++) BODY[i] = i * 31 + (i >> 10) * 7;

/** Where a reader goes on, and how many of the ranges it holds it releases then; which ones, by a seed. */
const step = fc.record({
  at: fc.oneof(
    {
      weight: 30,
      arbitrary: fc.record({ type: fc.constant('on' as const), by: fc.integer({ min: 0, max: 120_000 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('jump' as const),
        to: fc.integer({ min: 0, max: BODY_BYTES - RANGE_BYTES }),
      }),
    },
  ),
  release: fc.integer({ min: 0, max: 2 }),
  which: fc.nat(),
  waits: fc.boolean(),
});

test('a range stays what it is until it is released, whatever is read and released meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 150, maxLength: 300 }), async (steps) => {
      const file = await new SimulatedFiles(new Map([['/body', BODY]])).open('/body', 'read');
      const budget = new ReadAheadBudget();
      budget.join();
      const readAhead = new ReadAhead(file, BODY_BYTES, budget);
      const held: { readonly at: number; readonly range: Uint8Array }[] = [];
      let at = 0;
      for (const { at: next, release, which, waits } of steps) {
        at = next.type === 'jump' ? next.to : (at + next.by) % (BODY_BYTES - RANGE_BYTES);
        const reading = readAhead.peek(at, RANGE_BYTES) ?? readAhead.read(at, RANGE_BYTES);
        held.push({ at, range: await reading });
        if (waits) await new Promise((resolve) => setImmediate(resolve));
        for (let i = 0; i < release && held.length > 0; i++) {
          const [given] = held.splice(which % held.length, 1);
          if (given !== undefined) readAhead.release(given.range);
        }
        for (const { at: from, range } of held) {
          expect(Buffer.compare(range, BODY.subarray(from, from + RANGE_BYTES))).toBe(0);
        }
      }
    }),
    { numRuns: 12 },
  );
});
