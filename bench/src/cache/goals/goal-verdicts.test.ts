import { expect, it } from 'vitest';
import { measureCase, type CaseResult } from '../measure-case.ts';
import { agrees } from '../tables/played-tables.ts';
import { CASES } from '../workloads/all-workloads.ts';
import { goalVerdicts, type GoalVerdict } from './goal-verdicts.ts';

const W1 = measureCase({ ...CASES.find(({ id }) => id === 'W1')!, isCompared: false });

function verdictOn(id: string, ...results: readonly CaseResult[]): GoalVerdict | undefined {
  return goalVerdicts({ results, tables: [], bytes: null }).find((verdict) => verdict.id === id);
}

it('tokens at the bound meet C1, and one token more misses it', () => {
  expect(verdictOn('C1', W1)?.verdict).toBe('met');
  const missed = verdictOn('C1', { ...W1, ours: { ...W1.ours, written: W1.ours.written + 1 } });
  expect(missed).toMatchObject({ verdict: 'missed', because: 'W1 +1 tokens written, 0 read' });
});

it('efficiency under a case’s least misses C2, and says by how much', () => {
  const troubled = { ...W1, case: { ...W1.case, goals: { efficiency: 0.98 } } };
  expect(verdictOn('C2', troubled)?.verdict).toBe('met');
  const missed = verdictOn('C2', { ...troubled, ours: { ...W1.ours, efficiency: 0.9 } });
  expect(missed).toMatchObject({ verdict: 'missed', because: 'W1 0.9000 of 0.98' });
});

it('C3 is judged against the largest of the bounds', () => {
  expect(verdictOn('C3', { ...W1, rateMs: W1.ours.makespanMs / 2 })?.verdict).toBe('met');
  expect(verdictOn('C3', { ...W1, ours: { ...W1.ours, makespanMs: W1.ours.makespanMs * 2 } })?.verdict).toBe('missed');
});

it('one request delayed misses C4', () => {
  const undelayed = { ...W1, case: { ...W1.case, goals: { isUndelayed: true } }, ours: { ...W1.ours, delayed: 0 } };
  expect(verdictOn('C4', undelayed)?.verdict).toBe('met');
  expect(verdictOn('C4', { ...undelayed, ours: { ...W1.ours, delayed: 1 } })?.verdict).toBe('missed');
});

it('what was not asked for is not called met', () => {
  const verdicts = goalVerdicts({ results: [], tables: [], bytes: null });
  expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['not measured']));
});

it('bytes that changed miss C5', () => {
  const bytes = { requests: 100, changed: 1, markers: 50 };
  expect(goalVerdicts({ results: [], tables: [], bytes })[4]).toMatchObject({ id: 'C5', verdict: 'missed' });
});

it('figures agree to the digits they are given in', () => {
  expect(agrees(710.7765, '710.78')).toBe(true);
  expect(agrees(5202.5, '5203')).toBe(true);
  expect(agrees(5201.9, '5203')).toBe(false);
  expect(agrees(0.0095, '0.0096')).toBe(false);
});
