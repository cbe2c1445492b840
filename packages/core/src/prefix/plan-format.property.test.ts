import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodePlan, encodePlan } from './plan-format.ts';
import type { PlacedPlan } from './placed-plan.ts';
import { planPrefixes } from './plan-prefixes.ts';
import type { MarkerMode } from './prefix-plan.ts';
import { blocksOf, type Block } from './prompts.fixture.ts';

const block = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom<Block['mark']>(undefined, '5m', '1h'))
  .map(([text, mark]): Block => ({ text, mark, tokens: 1000 }));
const plans = fc
  .tuple(
    fc.array(fc.array(block, { maxLength: 5 }), { maxLength: 12 }),
    fc.constantFrom<MarkerMode>('respect', 'auto', 'off'),
    fc.constantFrom('claude', 'modèle-✓'),
  )
  .map(([prompts, markers, second]) =>
    planPrefixes(
      blocksOf(prompts, (r) => (r % 3 === 0 ? second : 'one')),
      { markers, profile: 'required', minimumTokens: () => 1000 },
    ),
  );

it('T14 a plan read back is the plan that was written', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      expect(decodePlan(encodePlan(plan))).toEqual(plan);
    }),
  );
});

it('T14 a plan is read wherever its bytes begin', () => {
  fc.assert(
    fc.property(plans, fc.nat(9), (plan, start) => {
      const encoded = encodePlan(plan);
      const pool = new Uint8Array(encoded.length + 10).fill(0xee);
      pool.set(encoded, start);
      expect(decodePlan(pool.subarray(start, start + encoded.length))).toEqual(plan);
    }),
  );
});

it('T14 bytes cut short or too long are no plan', () => {
  fc.assert(
    fc.property(plans, fc.nat(), (plan, cut) => {
      const encoded = encodePlan(plan);
      expect(decodePlan(encoded.slice(0, cut % encoded.length))).toBe(null);
      expect(decodePlan(Uint8Array.of(...encoded, 0))).toBe(null);
    }),
  );
});

it('T14 a flipped bit is refused, or leaves a plan whose ids all name something', () => {
  fc.assert(
    fc.property(plans, fc.nat(), fc.nat(7), (plan, at, bit) => {
      const encoded = encodePlan(plan);
      const place = at % encoded.length;
      encoded[place] = (encoded[place] as number) ^ (1 << bit);
      const decoded = decodePlan(encoded);
      if (place < 32) expect(decoded).toBe(null);
      if (decoded !== null) expectNames(decoded);
    }),
    { numRuns: 2000 },
  );
});

function expectNames(plan: PlacedPlan): void {
  expect(plan.parent.every((parent, v) => parent >= -1 && parent < v)).toBe(true);
  expect(plan.anchor.every((anchor) => anchor >= -1 && anchor < plan.nodeCount)).toBe(true);
  expect(plan.model.every((model) => plan.models[model] !== undefined)).toBe(true);
  expect(plan.added.first.every((first) => first <= plan.added.block.length)).toBe(true);
  expect(plan.ttl.every((ttl) => ttl <= 1)).toBe(true);
}
