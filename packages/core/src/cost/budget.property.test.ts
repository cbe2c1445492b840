import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BatchBudget } from './budget.ts';

const NOTHING = { nanoUsd: 0, answers: 0, outputTokens: 0 };

const step = fc.oneof(
  fc.record({ type: fc.constant('start' as const), expected: fc.nat(1000) }),
  fc.record({ type: fc.constant('answer' as const), at: fc.nat(), actual: fc.nat(3000) }),
  fc.record({ type: fc.constant('fail' as const), at: fc.nat() }),
  fc.record({ type: fc.constant('raise' as const), by: fc.nat(2000) }),
);

it('K1 spent is never above the cap by more than answers cost beyond their reservations', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.array(step, { maxLength: 200 }), (firstCap, steps) => {
      const budget = new BatchBudget(firstCap, NOTHING);
      const inFlight: { request: number; expected: number }[] = [];
      let [cap, spent, beyond, next] = [firstCap, 0, 0, 0];
      const take = (at: number) => inFlight.splice(at % inFlight.length, 1)[0] as { request: number; expected: number };
      for (const event of steps) {
        if (event.type === 'raise') budget.setCap((cap += event.by));
        else if (event.type === 'start') {
          const request = next++;
          if (budget.reserve(request, event.expected)) inFlight.push({ request, expected: event.expected });
        } else if (inFlight.length > 0) {
          const { request, expected } = take(event.at);
          if (event.type === 'fail') budget.release(request);
          else {
            budget.settle(request, event.actual, 1);
            spent += event.actual;
            beyond += Math.max(0, event.actual - expected);
          }
        }
        expect(budget.spentNanoUsd).toBe(spent);
        expect(budget.reservedNanoUsd).toBe(inFlight.reduce((sum, { expected }) => sum + expected, 0));
        expect(spent).toBeLessThanOrEqual(cap + beyond);
        expect(spent + budget.reservedNanoUsd).toBeLessThanOrEqual(cap + beyond);
      }
    }),
  );
});

it('K2 a request goes exactly when what was spent, what is reserved and what it costs fit under the cap', () => {
  const amount = fc.nat(10_000);
  fc.assert(
    fc.property(amount, amount, amount, amount, (cap, spent, reserved, expected) => {
      const budget = new BatchBudget(cap, { ...NOTHING, nanoUsd: spent });
      const isReserved = budget.reserve(0, reserved);
      const fits = spent + (isReserved ? reserved : 0) + expected <= cap;
      expect(budget.mayStart(expected)).toBe(fits);
      expect(budget.reserve(1, expected)).toBe(fits);
      expect(budget.isExhausted).toBe(!fits);
    }),
  );
});
