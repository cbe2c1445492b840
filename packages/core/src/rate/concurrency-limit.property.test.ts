import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AnswerClass } from '../retry/upstream-answer.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';

const CLASSES: AnswerClass[] = ['succeeded', 'rejected', 'rate_limited', 'overloaded', 'timed_out', 'broken', 'paused'];

const answer = fc.record({
  type: fc.constantFrom(...CLASSES),
  retryAfterMs: fc.option(fc.nat(10_000)),
  tookMs: fc.nat(500),
  gapMs: fc.nat(100),
  inFlight: fc.nat(40),
});

it('C5 stays between 1 and the maximum, whatever is answered and in whatever order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(answer, { maxLength: 200, size: 'max' }),
      (maximum, answers) => {
        const limit = new ConcurrencyLimit({ maximum });
        let now = 0;
        for (const { type, retryAfterMs, tookMs, gapMs, inFlight } of answers) {
          now += gapMs;
          limit.allows(inFlight, now);
          limit.answered(type, retryAfterMs, now - tookMs, now);
          expect(Number.isInteger(limit.limit)).toBe(true);
          expect(limit.limit).toBeGreaterThanOrEqual(1);
          expect(limit.limit).toBeLessThanOrEqual(maximum);
        }
      },
    ),
  );
});

it('C7 never allows a start before the latest wait that an answer asked for', () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 100, size: 'max' }), (answers) => {
      const limit = new ConcurrencyLimit({ maximum: 8 });
      let now = 0;
      let askedUntil = 0;
      for (const { type, retryAfterMs, tookMs, gapMs } of answers) {
        now += gapMs;
        if (now < askedUntil) expect(limit.allows(0, now)).toBe(false);
        limit.answered(type, retryAfterMs, now - tookMs, now);
        const asks = type === 'rate_limited' || type === 'overloaded';
        if (asks && retryAfterMs !== null) askedUntil = Math.max(askedUntil, now + retryAfterMs);
      }
    }),
  );
});

it('C5 something may start again at most 30 s, or the wait asked for, after any trouble', () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 100, size: 'max' }), (answers) => {
      const limit = new ConcurrencyLimit({ maximum: 8 });
      let now = 0;
      let asked = 0;
      for (const { type, retryAfterMs, tookMs, gapMs } of answers) {
        now += gapMs;
        limit.answered(type, retryAfterMs, now - tookMs, now);
        asked = Math.max(asked, now + (retryAfterMs ?? 0));
      }
      expect(limit.allows(0, Math.max(asked, now + 30_000))).toBe(true);
    }),
  );
});
