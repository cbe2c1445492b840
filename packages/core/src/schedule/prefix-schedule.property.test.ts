import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planOf } from './plan.fixture.ts';
import { PrefixSchedule } from './prefix-schedule.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import { makespanBound } from './schedule-bounds.fixture.ts';
import { runSchedules, type Fault, type HarnessCall } from './schedule-harness.fixture.ts';
import { tries } from './trie.fixture.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';

const concurrency = fc.constantFrom(1, 4, 32, 500);

it('S1 each prefix is written once and read by all others, whatever the tree and the concurrency', () => {
  fc.assert(
    fc.property(tries, concurrency, (requests, places) => {
      const { plan, bound } = planOf(requests);
      const { written, read } = runSchedules({ batches: [{ plan }], concurrency: places });
      expect({ written, read }).toEqual(bound);
    }),
    { numRuns: 120 },
  );
});

it('S3 every request is handed out once, and never more than there are places', () => {
  fc.assert(
    fc.property(tries, concurrency, (requests, places) => {
      const result = runSchedules({ batches: [{ plan: planOf(requests).plan }], concurrency: places });
      expect(result.calls.map(({ turn }) => turn.request).toSorted((a, b) => a - b)).toEqual(requests.map((_, r) => r));
      expect(result.peak).toBeLessThanOrEqual(places);
      expect(result.refusals).toBe(0);
    }),
  );
});

it('S5 the end comes within twice the larger of all work and the longest chain', () => {
  fc.assert(
    fc.property(tries, concurrency, (requests, places) => {
      const { plan } = planOf(requests);
      const { workMs, chainMs } = makespanBound(plan, places);
      const { makespanMs } = runSchedules({ batches: [{ plan }], concurrency: places });
      // The bound adds parts in another order than time does: equal but for rounding.
      expect(makespanMs).toBeGreaterThanOrEqual(Math.max(workMs, chainMs) - 1e-3);
      expect(makespanMs).toBeLessThanOrEqual(2 * Math.max(workMs, chainMs));
    }),
    { numRuns: 120 },
  );
});

it('S14 the same calls give the same order', () => {
  fc.assert(
    fc.property(tries, concurrency, (requests, places) => {
      const once = () => runSchedules({ batches: [{ plan: planOf(requests).plan }], concurrency: places }).calls;
      expect(once()).toEqual(once());
    }),
    { numRuns: 30 },
  );
});

it('S10 two batches that share prefixes write each once between them', () => {
  fc.assert(
    fc.property(tries, concurrency, fc.nat(60_000), (requests, places, laterMs) => {
      const { plan, bound } = planOf(requests);
      const batches = [{ plan }, { plan: planOf(requests).plan, atMs: laterMs }];
      const { written, read, answered } = runSchedules({ batches, concurrency: places });
      expect(answered.flatMap((counts) => [...counts])).toEqual([...requests, ...requests].map(() => 1));
      expect(written).toBe(bound.written);
      expect(read).toBe(2 * bound.read + bound.written);
    }),
    { numRuns: 80 },
  );
});

const trouble = fc.record({
  places: concurrency,
  seed: fc.nat(1_000_000),
  before: fc.constantFrom(0, 0.02, 0.4),
  after: fc.constantFrom(0, 0.02, 0.4),
  silent: fc.constantFrom(0, 0.02),
  loss: fc.constantFrom(0, 0.2, 1),
  visibilityMs: fc.constantFrom(0, 2000),
  minimumTokens: fc.constantFrom(0, 4000),
  answerMs: fc.constantFrom(1000, 19_000, 399_000),
  laterMs: fc.nat(100_000),
  cancelAtMs: fc.option(fc.nat(100_000), { nil: undefined }),
  profile: fc.constantFrom(
    UPSTREAM_PROFILES.anthropic,
    { ...UPSTREAM_PROFILES.anthropic, readyOn: 'completion' as const },
    UPSTREAM_PROFILES.vllm,
    UPSTREAM_PROFILES['llama.cpp'],
  ),
});

it('S4 nothing is lost, done twice or stuck, whatever fails', () => {
  fc.assert(
    fc.property(tries, tries, trouble, (first, second, { places, laterMs, cancelAtMs, ...rest }) => {
      const batches = [
        { plan: planOf(first).plan, ...(cancelAtMs === undefined ? {} : { cancelAtMs }) },
        { plan: planOf(second).plan, atMs: laterMs },
      ];
      const result = runSchedules({ batches, concurrency: places, fault: faults(rest), ...rest });
      const [mine = [], others = []] = result.answered;
      expect([...others]).toEqual(second.map(() => 1));
      expect([...mine].every((count) => count === 1 || (cancelAtMs !== undefined && count === 0))).toBe(true);
      expect(result.peak).toBeLessThanOrEqual(places);
      expect(result.warmth.openGroups).toBe(0);
    }),
    { numRuns: 120 },
  );
});

type Shares = { readonly seed: number; readonly before: number; readonly after: number; readonly silent: number };

/** Nobody is tried more than a few times, so that the end comes. */
function faults({ seed, before, after, silent }: Shares): (call: HarnessCall) => Fault | null {
  return ({ nth, tries: triesBefore }) => {
    if (triesBefore > 5) return null;
    const share = (Math.imul(nth + seed, 0x9e3779b1) >>> 8) / 2 ** 24;
    if (share < before) return { type: 'before', afterMs: nth % 3000 };
    if (share < before + after) return { type: 'after', afterMs: nth % 9000 };
    return share < before + after + silent ? { type: 'silent', forMs: 100_000 } : null;
  };
}

it('S2 a plan without prefixes is a queue, whatever is taken and pushed', () => {
  const steps = fc.array(fc.oneof(fc.constant('take' as const), fc.nat(9)), { maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(steps, (operations) => {
      const plan = planOf(Array.from({ length: 10 }, (_, i) => ({ path: [`d${i}:1`], suffixTokens: 1 }))).plan;
      const schedule = new PrefixSchedule(plan, new PrefixWarmth(UPSTREAM_PROFILES.anthropic), (r) => r % 2 === 0);
      const queue = [0, 2, 4, 6, 8];
      const out = new Set([1, 3, 5, 7, 9]);
      for (const step of operations) {
        if (step === 'take') {
          const room = { nowMs: 0, idle: 1, concurrency: 1, firstByteMs: 1000, durationMs: 20_000 };
          const request = queue.shift() ?? null;
          expect(schedule.take(room)?.request ?? null).toBe(request);
          if (request !== null) out.add(request);
        } else if (out.delete(step)) {
          schedule.push(step);
          queue.push(step);
        }
        expect([schedule.size, schedule.isReady(0)]).toEqual([queue.length, queue.length > 0]);
      }
    }),
  );
});
