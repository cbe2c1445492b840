import { describe, expect, it } from 'vitest';
import { grid, planOf } from './plan.fixture.ts';
import {
  runSchedules,
  type Fault,
  type HarnessCall,
  type HarnessOptions,
  type HarnessResult,
} from './schedule-harness.fixture.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';

const DOCUMENT = 20_000;

type Trouble = Omit<HarnessOptions, 'batches' | 'concurrency'>;

/** How often a document was written beyond the once that each must be. */
function run(
  documents: number,
  questions: number,
  concurrency: number,
  trouble: Trouble = {},
): HarnessResult & { again: number } {
  const { plan, bound } = planOf(grid(documents, questions));
  const result = runSchedules({ batches: [{ plan }], concurrency, ...trouble });
  expect([...(result.answered[0] ?? [])]).toEqual(Array.from({ length: documents * questions }, () => 1));
  return { ...result, again: (result.written - bound.written) / DOCUMENT };
}

const reasons = (result: HarnessResult, reason: HarnessCall['turn']['reason']): number =>
  result.calls.filter(({ turn }) => turn.reason === reason).length;

const firstTryOfLeaders =
  (fault: Fault) =>
  ({ turn, tries }: HarnessCall): Fault | null =>
    turn.role === 'leader' && tries === 0 ? fault : null;

describe('leaders that fail', () => {
  it('W3 when a leader fails before its first byte another leads, at once and alone', () => {
    const fault = ({ nth }: HarnessCall): Fault | null => (nth < 3 ? { type: 'before', afterMs: 500 } : null);
    const result = run(1, 20, 20, { fault });
    expect(result.again).toBe(0);
    expect(result.calls.slice(0, 4).map(({ nowMs, turn }) => [nowMs, turn.role])).toEqual([
      [0, 'leader'],
      [500, 'leader'],
      [1000, 'leader'],
      [1500, 'leader'],
    ]);
  });

  it('W3 when every leader fails once nothing is written twice', () => {
    expect(run(10, 20, 20, { fault: firstTryOfLeaders({ type: 'before', afterMs: 500 }) }).again).toBe(0);
  });

  it('W3 when a leader fails after its first byte its prefix stays warm', () => {
    const result = run(10, 20, 20, { fault: firstTryOfLeaders({ type: 'after', afterMs: 500 }) });
    expect(result.again).toBe(0);
    expect(result.calls.filter(({ turn }) => turn.role === 'leader')).toHaveLength(10);
  });

  it('W3 2 % of calls overloaded and 1 % cut off cost no second write', () => {
    const fault = ({ nth }: HarnessCall): Fault | null => {
      if (nth % 50 === 0) return { type: 'before', afterMs: 300 };
      return nth % 100 === 7 ? { type: 'after', afterMs: 3000 } : null;
    };
    expect(run(20, 100, 50, { fault }).again).toBe(0);
    // So long that groups wait for their turn, and live by a single use in all of an entry's life.
    expect(run(50, 300, 50, { fault }).again).toBe(0);
  });
});

describe('leaders that are silent', () => {
  it('W4 a leader that is silent for too long is joined by one other, and the herd waits for it', () => {
    const fault = ({ nth }: HarnessCall): Fault | null => (nth === 0 ? { type: 'silent', forMs: 200_000 } : null);
    const result = run(1, 50, 50, { fault });
    expect(reasons(result, 'gate_timeout')).toBe(1);
    expect(result.calls[1]?.nowMs).toBe(50_000);
    expect(result.calls[2]?.nowMs).toBe(56_012.5);
    expect(result.again).toBe(1);
  });

  it('W4 a long prompt is given time in proportion', () => {
    const { plan, bound } = planOf(grid(1, 5, { path: () => ['d:200000'] }));
    const { written } = runSchedules({ batches: [{ plan }], concurrency: 5 });
    expect(written).toBe(bound.written);
  });
});

describe('prefixes that are too small', () => {
  it('W5 what is too small to be cached is waited for by nobody, once a leader has shown it', () => {
    const result = run(20, 100, 50, { minimumTokens: 30_000 });
    expect(result.written).toBe(0);
    expect(reasons(result, 'never_caches')).toBe(1980);
    expect(result.calls.findLast(({ turn }) => turn.role === 'leader')?.nowMs).toBe(0);
  });

  it('W5 two leaders that agree speak for all of their model that are no larger', () => {
    const result = run(20, 100, 2, { minimumTokens: 30_000 });
    expect(result.calls.filter(({ turn }) => turn.role === 'leader')).toHaveLength(2);
    expect(reasons(result, 'never_caches')).toBe(1998);
  });
});

describe('reads that fail', () => {
  it('W6 reads that fail by chance cost what they must, and hardly more time', () => {
    const sure = run(20, 100, 50);
    const lossy = run(20, 100, 50, { loss: 0.2 });
    expect(lossy.again / 2000).toBeLessThan(0.22);
    expect(lossy.makespanMs).toBeLessThan(1.1 * sure.makespanMs);
  });

  it('W7 where entries can be read only two seconds late, the first herd is the last', () => {
    const result = run(100, 100, 50, { visibilityMs: 2000 });
    // The eight that were sent to find out, and then a few that learn how long two seconds are.
    expect(result.again).toBeLessThanOrEqual(8 + 8);
    expect(run(100, 100, 50, { visibilityMs: 0 }).again).toBe(0);
  });
});

describe('reads that never hit', () => {
  it('W8 where nothing is ever read, nobody waits for long', () => {
    const result = run(20, 100, 50, { loss: 1 });
    expect(reasons(result, 'never_caches')).toBeGreaterThan(1900);
    expect(result.written).toBe(2000 * DOCUMENT);
  });
});

describe('other upstreams', () => {
  it('W9 nobody waits where writing costs nothing or entries can be read at once, and groups stay together', () => {
    for (const profile of [UPSTREAM_PROFILES.vllm, UPSTREAM_PROFILES['llama.cpp']]) {
      const { plan } = planOf(grid(4, 10, { order: 'questions' }));
      const { calls, makespanMs } = runSchedules({ batches: [{ plan }], concurrency: 40, profile });
      expect(calls.every(({ nowMs }) => nowMs === 0)).toBe(true);
      expect(new Set(calls.slice(0, 10).map(({ turn }) => plan.anchor[turn.request])).size).toBe(1);
      expect(makespanMs).toBeLessThan(26_000);
    }
  });

  it('W9 where entries can be read only at the end, followers wait for it', () => {
    const profile = { ...UPSTREAM_PROFILES.anthropic, readyOn: 'completion' as const };
    const result = run(1, 10, 10, { profile });
    expect(result.again).toBe(0);
    expect(result.calls[1]?.nowMs).toBe(25_012.5);
  });
});

describe('calls that last longer than entries live', () => {
  const long = { answerMs: 399_000, measured: { firstByteMs: 1000, durationMs: 400_000 } };

  it('S9 one after another, each must write again, and none waits', () => {
    const result = run(1, 20, 1, long);
    expect(result.again).toBe(19);
    expect(result.makespanMs).toBe(20 * (400_000 + 5012.5));
  });

  it('S9 two at a time keep a prefix warm by starting in turns', () => {
    const result = run(1, 20, 2, long);
    expect(result.again).toBe(0);
    expect(result.makespanMs).toBeLessThan(1.06 * 10 * 400_000);
  });

  it('S9 what is learned on the way costs one more write', () => {
    expect(run(1, 20, 2, { answerMs: 399_000 }).again).toBe(1);
  });

  it('S9 no more prefixes are open than can be kept warm', () => {
    for (const [documents, questions, concurrency] of [
      [3, 40, 4],
      [10, 100, 50],
      [40, 10, 50],
    ] as const) {
      expect(run(documents, questions, concurrency, long).again).toBe(0);
    }
  });
});
