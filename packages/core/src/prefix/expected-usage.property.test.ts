import fc from 'fast-check';
import { expect, it } from 'vitest';
import { forEachExpectedUsage } from './expected-usage.ts';
import { planPrefixes } from './plan-prefixes.ts';
import { predictUsage, type PredictedUsage } from './predicted-usage.ts';
import { PrefixCache, markersAreValid, sentPrompts } from './prefix-cache.fixture.ts';
import type { MarkerMode } from './prefix-plan.ts';
import { blocksOf, type Block } from './prompts.fixture.ts';
import type { MarkerTtl } from './token-rates.ts';

const MINIMUM = 1000;
const minimumTokens = (): number => MINIMUM;
const marks = fc.constantFrom<MarkerTtl | undefined>(undefined, undefined, '5m', '1h');
const block = fc
  .tuple(fc.constantFrom<[string, number]>(['a', 400], ['b', 700], ['c', 1300]), marks)
  .map(([[text, tokens], mark]): Block => ({ text, tokens, mark }));
const prompts = fc.array(fc.array(block, { maxLength: 6 }).filter(markersAreValid), { minLength: 1, maxLength: 12 });
const modes = fc.constantFrom<MarkerMode>('respect', 'auto', 'off');
const profiles = fc.constantFrom('required', 'ignored');

function sum(usages: readonly PredictedUsage[]): PredictedUsage {
  const add = (kind: keyof PredictedUsage): number => usages.reduce((total, usage) => total + usage[kind], 0);
  return { written5m: add('written5m'), written1h: add('written1h'), read: add('read'), input: add('input') };
}

it('what is expected of each request sums to what is predicted of all, and is never negative', () => {
  fc.assert(
    fc.property(prompts, modes, profiles, (given, markers, profile) => {
      const options = { markers, profile, minimumTokens } as const;
      const blocks = blocksOf(given);
      const plan = planPrefixes(blocks, options);
      const planned: PredictedUsage[] = [];
      forEachExpectedUsage(blocks, plan, options, (_, usage) => planned.push({ ...usage.planned }));
      expect(sum(planned)).toEqual(predictUsage(plan));
      expect(Math.min(...planned.flatMap((usage) => Object.values(usage)))).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 1000 },
  );
});

it('where nobody reads, each request writes what it would write to an empty cache', () => {
  fc.assert(
    fc.property(prompts, fc.constantFrom<MarkerMode>('respect', 'auto'), (given, markers) => {
      const options = { markers, profile: 'required', minimumTokens } as const;
      const blocks = blocksOf(given);
      const plan = planPrefixes(blocks, options);
      const sent = sentPrompts(plan, given);
      forEachExpectedUsage(blocks, plan, options, (request, { unread, markedHash }) => {
        const usage = new PrefixCache(MINIMUM).send(sent[request] ?? []);
        expect(unread).toEqual(usage);
        expect(markedHash === null).toBe(usage.written5m + usage.written1h === 0);
      });
    }),
    { numRuns: 1000 },
  );
});

it('the longest marked prefix has one name in all prompts that mark it', () => {
  const document = { text: 'document', tokens: 2000, mark: '5m' } as const;
  const given = [
    [document, { text: 'q1', tokens: 10 }],
    [document, { text: 'q2', tokens: 10 }],
    [{ ...document, text: 'other' }],
    [document, { text: 'more', tokens: 10, mark: '5m' } as const],
  ];
  const options = { markers: 'respect', profile: 'required', minimumTokens } as const;
  const blocks = blocksOf(given);
  const names: (number | null)[] = [];
  forEachExpectedUsage(blocks, planPrefixes(blocks, options), options, (_, usage) => names.push(usage.markedHash));
  expect(names[0]).toBe(names[1]);
  expect(new Set(names).size).toBe(3);
});
