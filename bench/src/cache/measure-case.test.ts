import { describe, expect, it } from 'vitest';
import type { Outcome } from './case-play.ts';
import { measureCase, type CaseResult } from './measure-case.ts';
import { gridPrompts } from './prompts/grids.ts';
import type { Case } from './workloads/case.ts';
import { SONNET_4_5 } from './workloads/models.ts';
import { one, W1_GRID } from './workloads/shared-documents.ts';

const DOCUMENTS = { documents: 4, questions: 20, documentTokens: 20_000, questionTokens: 50 } as const;

function caseOf(changes: Partial<Case> = {}): Case {
  return {
    ...SONNET_4_5,
    id: 'W0',
    title: 'a case of its own',
    concurrency: 10,
    markers: 'respect',
    isCompared: true,
    batches: () => one(gridPrompts(DOCUMENTS, SONNET_4_5.model)),
    goals: {},
    ...changes,
  };
}

function outcome(result: CaseResult, order: string): Outcome {
  const found = result.others.find((other) => other.order === order);
  if (found === undefined) throw new Error(`${order} was not played`);
  return found;
}

describe('three questions on one document, as reckoned by hand', () => {
  const result = measureCase(caseOf({ concurrency: 3, batches: () => one(gridPrompts(W1_GRID, SONNET_4_5.model)) }));

  it('the bound: one write at 1.25, two reads at 0.1, three questions', () => {
    expect(result.bound).toEqual({ written: 1248, read: 2496, input: 36, cost: 1248 * 1.25 + 2496 * 0.1 + 36 });
  });

  it('the schedule reaches it, one first byte later than if nobody waited', () => {
    expect(result.ours).toMatchObject({ written: 1248, read: 2496, input: 36, efficiency: 1, delayed: 2 });
    // 1 s + 1,260 ÷ 4,000 s to the leader's first byte; then 1 s + 12 ÷ 4,000 s and 19 s of answer.
    expect(result.ours.makespanMs).toBeCloseTo(1315 + 1003 + 19_000, 9);
    expect(result.ours.idleMs).toBeCloseTo(2 * 1315, 9);
  });

  it('all at once writes three times: 1,845.6 ÷ 4,716', () => {
    expect(outcome(result, 'first in, first out').efficiency).toBeCloseTo(1845.6 / 4716, 12);
  });

  it('gated on the end, the followers begin when the leader is done', () => {
    const late = outcome(result, 'leader first, gated on the end');
    expect(late.makespanMs).toBeCloseTo(1315 + 19_000 + 1003 + 19_000, 9);
    expect(late.efficiency).toBe(1);
  });
});

describe('what must be worse is worse', () => {
  const result = measureCase(caseOf());

  it('in file order each document is written once for each place: Σ min(n, C)', () => {
    expect(outcome(result, 'first in, first out').written).toBe(4 * 10 * 20_000);
    expect(result.ours.written).toBe(4 * 20_000);
  });

  it('warm-ups read what nobody needed to read', () => {
    const warmed = outcome(result, 'warm-ups, then fifo');
    expect(warmed.read).toBe(4 * 20 * 20_000);
    expect(warmed.efficiency).toBeLessThan(1);
  });

  it('no order is better than the bound, and none faster than the work', () => {
    for (const { efficiency, makespanMs } of [result.ours, ...result.others]) {
      expect(efficiency).toBeLessThanOrEqual(1);
      expect(makespanMs).toBeGreaterThan((80 * 20_000) / 10);
    }
  });

  it('a queue delays nobody', () => {
    expect(outcome(result, 'first in, first out')).toMatchObject({ delayed: 0, idleMs: 0 });
  });
});

it('the same case comes out the same', () => {
  const faults: Case['faults'] = () => (call) => (call.nth % 7 === 3 ? 'overloaded' : null);
  const [first, second] = [measureCase(caseOf({ faults })), measureCase(caseOf({ faults }))];
  expect(second.ours).toEqual(first.ours);
  expect(second.others).toEqual(first.others);
});

it('calls that break off are billed, and the bound counts them', () => {
  const { ours, bound } = measureCase(
    caseOf({ isCompared: false, faults: () => (call) => (call.nth % 10 === 9 ? 'mid_stream' : null) }),
  );
  expect(ours.retries).toBeGreaterThan(0);
  expect(ours.written + ours.read).toBe((80 + ours.retries) * 20_000);
  expect(bound.read).toBe((76 + ours.retries) * 20_000);
});

it('a restart loses no request, and answers none twice', () => {
  const { ours, openAtRestart } = measureCase(caseOf({ isCompared: false, restartAtMs: 70_000 }));
  expect(openAtRestart).toBeGreaterThan(0);
  // Calls under way at the restart are made again: more than 80 were billed, and at most 10 more.
  const calls = (ours.written + ours.read) / 20_000;
  expect(calls).toBeGreaterThan(80);
  expect(calls).toBeLessThanOrEqual(90);
});

it('a canceled batch ends early, and what it warmed serves the other', () => {
  const { ours } = measureCase(
    caseOf({
      isCompared: false,
      batches: () => [
        { tenant: 'a', prompts: gridPrompts(DOCUMENTS, SONNET_4_5.model), cancelAtMs: 60_000 },
        { tenant: 'a', prompts: gridPrompts({ ...DOCUMENTS, asker: 1 }, SONNET_4_5.model) },
      ],
    }),
  );
  expect(ours.written).toBe(4 * 20_000);
  expect(ours.read / 20_000).toBeLessThan(155);
});

it('tenants share nothing', () => {
  const prompts = gridPrompts(DOCUMENTS, SONNET_4_5.model);
  const batches = ['a', 'b'].map((tenant) => ({ tenant, prompts }));
  const { ours, bound } = measureCase(caseOf({ isCompared: false, batches: () => batches }));
  expect(bound.written).toBe(2 * 4 * 20_000);
  expect(ours.written).toBe(bound.written);
});

it('rate limits are kept: no minute has more starts than there are, a full bucket aside', () => {
  const limits = { requestsPerMinute: 20, inputTokensPerMinute: 1_000_000 };
  const { ours, rateMs } = measureCase(caseOf({ isCompared: false, limits }));
  expect(rateMs).toBe(3 * 60_000);
  expect(ours.makespanMs).toBeGreaterThanOrEqual(rateMs);
  expect(ours.retries).toBeGreaterThan(0);
});
