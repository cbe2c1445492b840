import { expect, it } from 'vitest';
import { budgetHold, LONGEST_BUDGET_HOLD_MS, UpstreamBudget, type BudgetKind } from './upstream-budget.ts';

const NOW = Date.parse('2026-11-21T09:00:00.000Z');
const iso = (ms: number): string => new Date(ms).toISOString();

function headers(kind: BudgetKind, remaining: string, reset: string): Record<string, string> {
  return { [`anthropic-ratelimit-${kind}-remaining`]: remaining, [`anthropic-ratelimit-${kind}-reset`]: reset };
}

it.each(['requests', 'input-tokens', 'output-tokens', 'tokens'] as const)(
  'C9 holds until the reset of %s when none are left',
  (kind) => {
    expect(budgetHold(headers(kind, '0', iso(NOW + 7000)), NOW)).toEqual({ kind, untilMs: NOW + 7000 });
  },
);

it('C9 does not hold while something is left, nor for a reset that has passed', () => {
  expect(budgetHold(headers('tokens', '1000', iso(NOW + 7000)), NOW)).toBeNull();
  expect(budgetHold(headers('tokens', '0', iso(NOW)), NOW)).toBeNull();
  expect(budgetHold({}, NOW)).toBeNull();
});

it('C9 the latest reset of several holds', () => {
  const both = { ...headers('requests', '0', iso(NOW + 9000)), ...headers('tokens', '0', iso(NOW + 2000)) };
  expect(budgetHold(both, NOW)).toEqual({ kind: 'requests', untilMs: NOW + 9000 });
});

it.each(['', 'soon', '60', '2026-11-21', '2026-11-21T09:01:00', '2026-99-21T09:01:00Z'])(
  'C10 a reset that names no moment does not hold: %j',
  (reset) => {
    expect(budgetHold(headers('requests', '0', reset), NOW)).toBeNull();
  },
);

it('C10 reads a reset with a zone of its own', () => {
  expect(budgetHold(headers('requests', '0', '2026-11-21T10:00:05+01:00'), NOW)?.untilMs).toBe(NOW + 5000);
});

it('C10 holds five minutes at most, so that a clock that is wrong stops nothing for long', () => {
  expect(budgetHold(headers('requests', '0', iso(NOW + 86_400_000)), NOW)?.untilMs).toBe(NOW + LONGEST_BUDGET_HOLD_MS);
});

it('C11 a hold stands until its end, whatever older answers still say', () => {
  const budget = new UpstreamBudget();
  budget.observe(headers('requests', '0', iso(NOW + 7000)), NOW);
  budget.observe(headers('requests', '5', iso(NOW + 7000)), NOW + 1);
  budget.observe(headers('requests', '0', iso(NOW + 2000)), NOW + 2);
  expect(budget.hold(NOW + 6999)).toEqual({ kind: 'requests', untilMs: NOW + 7000 });
  expect(budget.hold(NOW + 7000)).toBeNull();
});

it('C11 a hold that is over is forgotten', () => {
  const budget = new UpstreamBudget();
  budget.observe(headers('requests', '0', iso(NOW + 7000)), NOW);
  expect(budget.hold(NOW + 8000)).toBeNull();
  expect(budget.hold(NOW)).toBeNull();
});
