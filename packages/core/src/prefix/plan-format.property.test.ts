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

it.each([
  { broken: 'a node above that comes later', change: { parent: Int32Array.of(-1, 1) } },
  { broken: 'a node that is not longer than the one above', change: { block: Uint32Array.of(1, 1) } },
  { broken: 'a node with fewer tokens than the one above', change: { tokens: Uint32Array.of(3000, 2000) } },
  { broken: 'more requests than there are', change: { requests: Uint32Array.of(5, 2) } },
  { broken: 'a node of one request', change: { requests: Uint32Array.of(4, 1) } },
  { broken: 'an unknown ttl', change: { ttl: Uint8Array.of(0, 2) } },
  { broken: 'an unknown model', change: { model: Uint16Array.of(0, 1) } },
  { broken: 'an anchor that is no node', change: { anchor: Int32Array.of(1, 1, 2, 0) } },
  {
    broken: 'a reach without an anchor',
    change: { anchor: Int32Array.of(1, 1, 0, -1), reach: Uint8Array.of(2, 2, 1, 1) },
  },
  { broken: 'a negative sum', change: { unshared: { written5m: -1, written1h: 0 } } },
  { broken: 'half a token', change: { unshared: { written5m: 0, written1h: 0.5 } } },
  { broken: 'an identity that is no number', change: { hash: Float64Array.of(1, NaN) } },
  { broken: 'a name of another length', change: { models: ['x'.repeat(65_537)] } },
])('T14 refuses $broken', ({ change }) => {
  const prompts = ['x', 'y', 'z', 'z'].map((q, i): Block[] => [
    { text: 'a', tokens: 1000 },
    ...(i < 2 ? [{ text: 'b', tokens: 1000 }] : []),
    { text: `${q}${i}`, tokens: 5 },
  ]);
  const plan = planPrefixes(blocksOf(prompts), { markers: 'auto', profile: 'required', minimumTokens: () => 1000 });
  expect(plan.nodeCount).toBe(2);
  expect(decodePlan(encodePlan({ ...plan, ...change }))).toBe(null);
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
