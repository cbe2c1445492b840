import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffCeilingMs, nextStep } from './next-step.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';

const NOW = 1_800_000_000_000;
const EXPIRES = NOW + 86_400_000;
const BROKEN: UpstreamAnswer = { type: 'broken', reason: 'reset' };

function retryAt(answer: UpstreamAnswer, attempt: number, random: number, expiresAtMs = EXPIRES): number {
  const step = nextStep(answer, attempt, NOW, expiresAtMs, random);
  if (step.type !== 'retry') throw new Error(`expected a retry, not ${step.type}`);
  return step.atMs;
}

it('N1 a success settles the request', () => {
  expect(nextStep({ type: 'succeeded' }, 1, NOW, EXPIRES, 0)).toEqual({ type: 'settle', as: 'succeeded' });
});

it('N2 a rejection settles it as errored, with the error and the id', () => {
  const error = { type: 'invalid_request_error', message: 'no' } as const;
  expect(nextStep({ type: 'rejected', error, requestId: 'req_1' }, 1, NOW, EXPIRES, 0)).toEqual({
    type: 'settle',
    as: 'errored',
    error,
    requestId: 'req_1',
  });
});

it('N3 an answer about the account pauses and settles nothing', () => {
  const answer: UpstreamAnswer = { type: 'paused', reason: 'spend_cap', message: 'cap' };
  expect(nextStep(answer, 1, NOW, EXPIRES, 0)).toEqual({ type: 'pause', reason: 'spend_cap', message: 'cap' });
});

it('N4 ceilings double from one second to a minute', () => {
  expect([1, 2, 3, 6, 7, 8, 255].map(backoffCeilingMs)).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000]);
});

it('N4 jitter is full: from at once to just under the ceiling', () => {
  expect(retryAt(BROKEN, 3, 0)).toBe(NOW);
  expect(retryAt(BROKEN, 3, 0.5)).toBe(NOW + 2000);
  expect(retryAt(BROKEN, 3, 0.999_999)).toBe(NOW + 3999);
});

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempt = fc.integer({ min: 1, max: 255 });

it('N4 a wait of our own lies between now and the ceiling, and never ends the retries', () => {
  const answers: UpstreamAnswer[] = [
    BROKEN,
    { type: 'timed_out' },
    { type: 'overloaded', retryAfterMs: null },
    { type: 'rate_limited', retryAfterMs: null },
  ];
  fc.assert(
    fc.property(fc.constantFrom(...answers), attempt, chance, (answer, tries, random) => {
      const wait = retryAt(answer, tries, random) - NOW;
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(backoffCeilingMs(tries));
    }),
  );
});

it('N5 never sooner than the upstream asked, and at most a second later', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('rate_limited' as const, 'overloaded' as const),
      fc.nat(86_400_000),
      attempt,
      chance,
      fc.integer({ min: -1000, max: 86_400_000 }),
      (type, retryAfterMs, tries, random, leftMs) => {
        const wait = retryAt({ type, retryAfterMs }, tries, random, NOW + leftMs) - NOW;
        expect(wait).toBeGreaterThanOrEqual(retryAfterMs);
        expect(wait).toBeLessThan(retryAfterMs + 1000);
      },
    ),
  );
});

it('N6 a wait of our own does not reach beyond expiry, nor into the past', () => {
  expect(retryAt(BROKEN, 9, 0.9, NOW + 100)).toBe(NOW + 100);
  expect(retryAt(BROKEN, 9, 0.9, NOW - 100)).toBe(NOW);
});
