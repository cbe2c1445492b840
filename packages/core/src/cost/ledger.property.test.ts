import fc from 'fast-check';
import { expect, it } from 'vitest';
import { billOf } from './bill.ts';
import { TERMS } from './ledger.fixture.ts';
import { hitShare, writeAmplification } from './ledger-figures.ts';
import { Ledger, mergeTotals, sumOfModels, totalsSince, type LedgerTotals, type RequestUse } from './ledger.ts';
import { NO_SHARE, type PrefixShare } from './prefix-account.ts';

const tokens = fc.nat({ max: 300_000 });
const usage: fc.Arbitrary<RequestUse> = fc.record({
  model: fc.constantFrom('claude-sonnet-4-5', 'claude-haiku-5-5', 'claude-opus-5', 'local-model'),
  inferenceGeo: fc.constantFrom('us', 'global', null),
  inputTokens: tokens,
  write5mTokens: tokens,
  write1hTokens: tokens,
  readTokens: tokens,
  outputTokens: tokens,
});
const share: fc.Arbitrary<PrefixShare> = fc.record({
  sharedTokens: tokens,
  leastTokens: tokens,
  longShare: fc.constantFrom(0, 0.3, 1),
  isFirst: fc.boolean(),
  outcome: fc.constantFrom('hit', 'cold', 'not_ready', 'expired', 'below_minimum', 'unexplained', null),
});
const answers = fc.array(fc.tuple(usage, share), { maxLength: 30 });

function totalsOf(list: readonly (readonly [RequestUse, PrefixShare])[]): LedgerTotals {
  const ledger = new Ledger();
  for (const [use, part] of list) ledger.addUsage(use, part, TERMS);
  return ledger.totals;
}

/** Models may be met in another order. */
const shown = (totals: LedgerTotals) => Object.fromEntries(totals);

it('M1 a ledger is the sum of its parts, however it is cut and joined', () => {
  fc.assert(
    fc.property(answers, fc.nat(), (list, at) => {
      const cut = list.length === 0 ? 0 : at % (list.length + 1);
      const [one, other] = [totalsOf(list.slice(0, cut)), totalsOf(list.slice(cut))];
      const all = totalsOf(list);
      expect(shown(mergeTotals(one, other))).toEqual(shown(all));
      expect(shown(mergeTotals(other, one))).toEqual(shown(all));
      expect(shown(totalsSince(all, one))).toEqual(shown(other));
    }),
  );
});

it('M2 its cost is the sum of the bills of its requests', () => {
  fc.assert(
    fc.property(answers, (list) => {
      const bills = list.map(([use]) => billOf(use.model, use, { ...TERMS, inferenceGeo: use.inferenceGeo }));
      const sum = sumOfModels(totalsOf(list));
      expect(sum.costNanoUsd).toBe(bills.reduce<number>((all, bill) => all + (bill ?? 0), 0));
      expect(sum.unpricedRequests).toBe(bills.filter((bill) => bill === null).length);
    }),
  );
});

it('M3 nobody pays more than by writing all, and a warm-up comes on top of that', () => {
  fc.assert(
    fc.property(answers, (list) => {
      const sum = sumOfModels(totalsOf(list.map(([use, part]) => [use, { ...part, longShare: 0 }])));
      expect(sum.costNanoUsd).toBeLessThanOrEqual(sum.plainCostNanoUsd);
      expect(sum.plainCostNanoUsd).toBeLessThanOrEqual(sum.warmUpCostNanoUsd);
      expect(sum.promptCostNanoUsd).toBeLessThanOrEqual(sum.costNanoUsd);
    }),
  );
});

it('M7 no ledger writes less than the least, and none reads more than there is', () => {
  const consistent = fc.tuple(usage, fc.double({ min: 0, max: 1, noNaN: true })).map(([use, part]) => {
    const sharedTokens = use.readTokens + use.write5mTokens + use.write1hTokens;
    const share: PrefixShare = { ...NO_SHARE, sharedTokens, leastTokens: Math.round(sharedTokens * part) };
    return [use, share] as const;
  });
  fc.assert(
    fc.property(fc.array(consistent, { maxLength: 20 }), (list) => {
      const sum = sumOfModels(totalsOf(list));
      expect(writeAmplification(sum) ?? 1).toBeGreaterThanOrEqual(1);
      expect(hitShare(sum) ?? 0).toBeGreaterThanOrEqual(0);
      expect(hitShare(sum) ?? 1).toBeLessThanOrEqual(1);
    }),
  );
});
