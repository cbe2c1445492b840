import { describe, expect, it } from 'vitest';
import { ConcurrencyLimit } from './concurrency-limit.ts';

/** One round trip: the window is filled at `startMs`, and every call is answered at `endMs`. */
function round(
  limit: ConcurrencyLimit,
  answer: 'succeeded' | 'rate_limited' | 'broken',
  startMs: number,
  endMs: number,
) {
  let inFlight = 0;
  while (limit.allows(inFlight, startMs)) inFlight++;
  for (let call = 0; call < inFlight; call++) limit.answered(answer, null, startMs, endMs);
  return inFlight;
}

describe('window', () => {
  it('C1 begins at 16, or at the maximum if that is less', () => {
    expect(new ConcurrencyLimit({ maximum: 64 }).limit).toBe(16);
    expect(new ConcurrencyLimit({ maximum: 4 }).limit).toBe(4);
    expect(new ConcurrencyLimit({ maximum: 64, initial: 2 }).limit).toBe(2);
  });

  it('C1 is at least 1, whatever the maximum says', () => {
    expect(new ConcurrencyLimit({ maximum: 0 }).limit).toBe(1);
    expect(new ConcurrencyLimit({ maximum: 8, initial: 0 }).limit).toBe(1);
  });

  it('C2 doubles per round trip up to the maximum', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 8 });
    const windows = [0, 1, 2, 3, 4].map((trip) => round(limit, 'succeeded', trip * 10, trip * 10 + 9));
    expect(windows).toEqual([8, 16, 32, 64, 100]);
    expect(limit.limit).toBe(100);
  });

  it('C2 a rejection is an answer like a success: the upstream works', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 1 });
    limit.allows(0, 0);
    limit.answered('rejected', null, 0, 1);
    expect(limit.limit).toBe(2);
  });

  it('C2 does not grow while it is not used', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 8 });
    limit.allows(2, 0);
    for (let call = 0; call < 50; call++) limit.answered('succeeded', null, 0, 1);
    expect(limit.limit).toBe(8);
  });

  it('C3 grows by about one per window above where trouble was met', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 32 });
    round(limit, 'rate_limited', 0, 10);
    const windows = [1, 2, 3, 4].map((trip) => round(limit, 'succeeded', trip * 100, trip * 100 + 9));
    expect(windows).toEqual([16, 16, 17, 18]);
  });

  it.each(['rate_limited', 'overloaded', 'timed_out'] as const)('C4 halves on %s', (answer) => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 32 });
    limit.answered(answer, null, 0, 10);
    expect(limit.limit).toBe(16);
  });

  it('C4 halves once for all calls that were in flight together', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 32 });
    for (let call = 0; call < 32; call++) limit.answered('overloaded', null, call % 10, 10 + call);
    expect(limit.limit).toBe(16);
    limit.answered('overloaded', null, 43, 44);
    expect(limit.limit).toBe(8);
  });

  it('C4 a call that started in the very moment of a decrease belongs to the round before it', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 32 });
    limit.answered('overloaded', null, 0, 10);
    limit.answered('overloaded', null, 10, 11);
    expect(limit.limit).toBe(16);
  });

  it('C5 never falls below 1', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 4 });
    for (let at = 1; at < 20; at++) limit.answered('timed_out', null, at * 10, at * 10 + 9);
    expect(limit.limit).toBe(1);
    expect(limit.allows(0, 1_000_000)).toBe(true);
    expect(limit.allows(1, 1_000_000)).toBe(false);
  });

  it('C6 `broken` and `paused` do not narrow it: they say nothing of load', () => {
    const limit = new ConcurrencyLimit({ maximum: 100, initial: 32 });
    limit.answered('broken', null, 0, 10);
    limit.answered('paused', null, 20, 30);
    expect(limit.limit).toBe(32);
  });
});

describe('hold', () => {
  it('C7 nothing starts before the wait that was asked for is over', () => {
    const limit = new ConcurrencyLimit({ maximum: 8 });
    limit.answered('rate_limited', 5000, 0, 100);
    expect(limit.heldUntilMs).toBe(5100);
    expect(limit.allows(0, 5099)).toBe(false);
    expect(limit.allows(0, 5100)).toBe(true);
  });

  it('C7 the longest wait asked for holds, even of calls in flight together', () => {
    const limit = new ConcurrencyLimit({ maximum: 8 });
    limit.answered('rate_limited', 1000, 0, 100);
    limit.answered('overloaded', 9000, 0, 101);
    limit.answered('rate_limited', 1000, 0, 102);
    expect(limit.heldUntilMs).toBe(9101);
  });

  it('C8 a round or two of trouble does not hold', () => {
    const limit = new ConcurrencyLimit({ maximum: 8 });
    round(limit, 'broken', 10, 11);
    round(limit, 'broken', 20, 21);
    expect(limit.allows(0, 21)).toBe(true);
  });

  it('C8 an upstream that only fails is held, doubling from a quarter second to half a minute', () => {
    const limit = new ConcurrencyLimit({ maximum: 8 });
    const holds: number[] = [];
    let now = 0;
    for (let trip = 0; trip < 12; trip++) {
      round(limit, 'broken', now + 1, now + 2);
      holds.push(Math.max(0, limit.heldUntilMs - now - 2));
      now = Math.max(now + 2, limit.heldUntilMs);
    }
    expect(holds).toEqual([0, 0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('C8 one good answer ends the count of bad rounds', () => {
    const limit = new ConcurrencyLimit({ maximum: 8 });
    for (let trip = 0; trip < 20; trip++) {
      round(limit, 'broken', trip * 10 + 1, trip * 10 + 2);
      limit.answered('succeeded', null, trip * 10 + 1, trip * 10 + 3);
    }
    expect(limit.allows(0, 203)).toBe(true);
  });
});
