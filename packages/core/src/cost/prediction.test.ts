import { describe, expect, it } from 'vitest';
import { planPrefixes, type PlanOptions } from '../prefix/plan-prefixes.ts';
import { predictUsage } from '../prefix/predicted-usage.ts';
import { PrefixCache, sentPrompts } from '../prefix/prefix-cache.fixture.ts';
import { blocksOf, documentsAndQuestions, type Block } from '../prefix/prompts.fixture.ts';
import { TERMS } from './ledger.fixture.ts';
import { hitShare, writeAmplification } from './ledger-figures.ts';
import { sumOfModels } from './ledger.ts';
import { finishSteps } from '../steps.ts';
import { predictLedger, type PredictionTerms } from './prediction.ts';

const minimumTokens = (): number => 1024;
const AUTO: PlanOptions = { markers: 'auto', profile: 'required', minimumTokens };

function predict(prompts: readonly Block[][], options = AUTO, terms: Partial<PredictionTerms> = {}) {
  const blocks = blocksOf(prompts);
  const plan = planPrefixes(blocks, options);
  const prediction = finishSteps(predictLedger(blocks, plan, { ...TERMS, ...options, reports: 'full', ...terms }));
  return { plan, prediction, sum: sumOfModels(prediction.totals) };
}

const DOCS = documentsAndQuestions(5, 20, { document: 2000, question: 10 });
const WITH_SYSTEM = DOCS.map((prompt) => [{ text: 'system', tokens: 4000 }, ...prompt]);
const MARKED = documentsAndQuestions(3, 4, { document: 2000, question: 1500 }, '1h').map(([doc, own], i) => [
  doc!,
  { ...own!, mark: i % 2 === 0 ? ('5m' as const) : undefined },
]);
const UNSHARED = DOCS.map((prompt, i) => [{ text: `own ${i}`, tokens: 2000, mark: '5m' as const }, ...prompt]);

describe('M8 a prediction', () => {
  it.each([
    ['documents', DOCS, AUTO],
    ['documents below a system prompt', WITH_SYSTEM, AUTO],
    ['marks of the client’s, some behind what is shared', MARKED, { ...AUTO, markers: 'respect' }],
    ['marks that nobody shares', UNSHARED, { ...AUTO, markers: 'respect' }],
    ['nothing shared', UNSHARED, { ...AUTO, markers: 'off' }],
  ] as const)('M8 has the tokens of the plan: %s', (_, prompts, options) => {
    const { plan, sum } = predict(prompts, options);
    const { written5m, written1h, read, input } = predictUsage(plan);
    expect(sum).toMatchObject({
      write5mTokens: written5m,
      write1hTokens: written1h,
      readTokens: read,
      inputTokens: input,
    });
  });

  it('M8 is what a cache bills when the requests are sent one after another', () => {
    const { plan, sum } = predict(WITH_SYSTEM);
    const cache = new PrefixCache(1024);
    for (const prompt of sentPrompts(plan, WITH_SYSTEM)) cache.send(prompt);
    expect(cache.usage).toEqual({
      written5m: sum.write5mTokens,
      written1h: sum.write1hTokens,
      read: sum.readTokens,
      input: sum.inputTokens,
    });
    expect([writeAmplification(sum), hitShare(sum)]).toEqual([1, 1]);
  });

  it('M8 of a hundred documents with a thousand questions is $310.95 for the prompts, and what else they would cost', () => {
    const { prediction, sum } = predict(documentsAndQuestions(100, 1000, { document: 20_000, question: 50 }));
    expect(prediction).toMatchObject({ prefixes: 100, sharingRequests: 100_000 });
    expect(sum.costNanoUsd).toBe((621.9 / 2) * 1e9);
    expect(sum.uncachedCostNanoUsd).toBe((6015 / 2) * 1e9);
    expect(sum.plainCostNanoUsd).toBe((7515 / 2) * 1e9);
    expect(sum.warmUpCostNanoUsd).toBe((7515 / 2 + 7.5) * 1e9 + 100 * 15_000);
  });

  it('M9 is told as the upstream will tell it', () => {
    const ignored: PlanOptions = { ...AUTO, profile: 'ignored' };
    const prompt = 100 * 2010;
    expect(predict(DOCS, ignored, { reports: 'read_only' }).sum).toMatchObject({
      inputTokens: prompt - 95 * 2000,
      write5mTokens: 0,
      readTokens: 95 * 2000,
    });
    expect(predict(DOCS, ignored, { reports: 'none' }).sum).toMatchObject({ inputTokens: prompt, readTokens: 0 });
  });
});
