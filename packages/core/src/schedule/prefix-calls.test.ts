import { expect, it } from 'vitest';
import { LeaderReach } from './leader-reach.ts';
import { grid, planOf, type PathRequest } from './plan.fixture.ts';
import { PrefixCalls } from './prefix-calls.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';
import { WARM_STATE } from './warm-state.ts';

const READ = { readTokens: 20_000, createdTokens: 0 };
const WRITTEN = { readTokens: 0, createdTokens: 20_000 };
const LIFE_MS = 298_000;
const UNWATCHED = { stateChanged: () => undefined, expiresSooner: () => undefined };

/** The calls of one batch, the first prefix of which request 0 has warmed. */
function warmCalls(requests: readonly PathRequest[]) {
  const { plan } = planOf(requests);
  const warmth = new PrefixWarmth(UPSTREAM_PROFILES.anthropic);
  const prefixes = warmth.attach(plan, UNWATCHED);
  const calls = new PrefixCalls(plan, new LeaderReach(plan), warmth, prefixes);
  const call = (request: number, nowMs: number): void => {
    calls.taken(request, nowMs);
    calls.started(request, nowMs);
  };
  call(0, 0);
  calls.firstByte(0, WRITTEN, 6000);
  return { warmth, calls, call, prefix: prefixes[0] as number };
}

it('W2 a follower that fails has not prolonged what it only reads', () => {
  const { warmth, calls, call, prefix } = warmCalls(
    grid(1, 4).map((request, r) => ({ ...request, reach: r === 0 ? 1 : 0 })),
  );
  call(1, 100_000);
  expect(warmth.expiresMs(prefix)).toBe(100_000 + LIFE_MS);
  calls.ended(1, null, 100_500);
  expect(warmth.expiresMs(prefix)).toBe(LIFE_MS);
  call(2, 200_000);
  calls.firstByte(2, READ, 201_000);
  calls.ended(2, READ, 220_000);
  warmth.advance(200_000 + LIFE_MS - 1);
  expect(warmth.state(prefix)).toBe(WARM_STATE.warm);
});

it('W2 an answer that neither read nor wrote has prolonged nothing', () => {
  const { warmth, calls, call, prefix } = warmCalls(grid(1, 4));
  call(1, 200_000);
  calls.firstByte(1, { readTokens: 0, createdTokens: 0 }, 201_000);
  warmth.advance(LIFE_MS);
  expect(warmth.state(prefix)).toBe(WARM_STATE.cold);
});

it('W6 in doubt the first follower that goes makes the others wait for its first byte', () => {
  const { warmth, calls, call } = warmCalls(grid(2, 10));
  for (let request = 1; request < 6; request++) {
    call(request, 100_000);
    calls.firstByte(request, WRITTEN, 101_000);
  }
  call(10, 200_000);
  calls.firstByte(10, WRITTEN, 206_000);
  const other = warmth.attach(planOf(grid(2, 10)).plan, UNWATCHED)[1] as number;
  expect(warmth.state(other)).toBe(WARM_STATE.warm);
  call(11, 206_000);
  expect(warmth.state(other)).toBe(WARM_STATE.settling);
  calls.firstByte(11, READ, 207_000);
  expect(warmth.state(other)).toBe(WARM_STATE.warm);
});

it('W9 a call that is answered without a first byte of its own is proof at its end', () => {
  const { warmth, calls, call } = warmCalls(grid(2, 2));
  call(2, 10_000);
  calls.ended(2, WRITTEN, 30_000);
  const [, second = -1] = warmth.attach(planOf(grid(2, 2)).plan, UNWATCHED);
  expect(warmth.state(second)).toBe(WARM_STATE.warm);
});

it('W3 what is reported of a call that is over, or was never made, changes nothing', () => {
  const { warmth, calls, prefix } = warmCalls(grid(1, 3));
  calls.ended(0, WRITTEN, 25_000);
  expect(calls.isEmpty).toBe(true);
  calls.firstByte(0, WRITTEN, 26_000);
  calls.ended(0, null, 27_000);
  calls.started(2, 28_000);
  expect([calls.isEmpty, warmth.expiresMs(prefix)]).toEqual([true, LIFE_MS]);
});
