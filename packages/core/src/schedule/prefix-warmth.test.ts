import { describe, expect, it } from 'vitest';
import { grid, planOf } from './plan.fixture.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';
import { WARM_STATE, type WarmState } from './warm-state.ts';
import type { WarmthWatcher } from './watch-list.ts';

class Witness implements WarmthWatcher {
  readonly told: [number, WarmState][] = [];
  stateChanged(node: number, state: WarmState): void {
    this.told.push([node, state]);
  }
  readonly sooner: number[] = [];
  expiresSooner(node: number): void {
    this.sooner.push(node);
  }
}

const TTL_MS = 300_000;
const SLACK_MS = 2000;
const { cold, warming, settling, warm, dead } = WARM_STATE;

/** Two documents, watched by one witness. */
function scope(documents = 2) {
  const warmth = new PrefixWarmth(UPSTREAM_PROFILES.anthropic);
  const { plan } = planOf(grid(documents, 2));
  const witness = new Witness();
  const prefixes = warmth.attach(plan, witness);
  const [a = -1, b = -1] = prefixes;
  const states = (): WarmState[] => [...prefixes].map((prefix) => warmth.state(prefix));
  return { warmth, plan, witness, prefixes, a, b, states };
}

/** Leads a prefix and shows the first byte a second later. */
function warmUp(warmth: PrefixWarmth, prefix: number, nowMs: number): void {
  warmth.lead(prefix, TTL_MS, 0, nowMs);
  warmth.confirm(prefix, nowMs, nowMs + 1000);
  warmth.leadOver(prefix);
}

describe('life', () => {
  it('W2 a prefix is warm from its leader’s first byte on, until its life after the start of the last use is over', () => {
    const { warmth, a, states } = scope();
    warmth.lead(a, TTL_MS, 0, 0);
    expect(states()).toEqual([warming, cold]);
    warmth.confirm(a, 0, 1000);
    warmth.leadOver(a);
    expect(states()).toEqual([warm, cold]);
    warmth.advance(TTL_MS - SLACK_MS - 1);
    expect(states()).toEqual([warm, cold]);
    warmth.advance(TTL_MS - SLACK_MS);
    expect(states()).toEqual([cold, cold]);
  });

  it('W2 a use counts from its start, once its first byte has come', () => {
    const { warmth, a } = scope();
    warmUp(warmth, a, 0);
    warmth.asked(a, 200_000);
    warmth.confirm(a, 100_000, 250_000);
    warmth.advance(100_000 + TTL_MS - SLACK_MS - 1);
    expect(warmth.state(a)).toBe(warm);
    warmth.advance(100_000 + TTL_MS - SLACK_MS);
    expect(warmth.state(a)).toBe(cold);
  });

  it('W2 what is asked for is expected to live on, until that comes to nothing', () => {
    const { warmth, a, witness } = scope();
    warmUp(warmth, a, 0);
    warmth.asked(a, 100_000);
    expect(warmth.expiresMs(a)).toBe(100_000 + TTL_MS - SLACK_MS);
    expect(witness.sooner).toEqual([]);
    warmth.notUsed(a);
    warmth.notUsed(a);
    expect(witness.sooner).toEqual([0]);
    expect(warmth.expiresMs(a)).toBe(TTL_MS - SLACK_MS);
    warmth.confirm(a, 90_000, 101_000);
    expect(warmth.expiresMs(a)).toBe(90_000 + TTL_MS - SLACK_MS);
  });

  it('W2 a prefix that was taken for cold is warm again when a late first byte shows it', () => {
    const { warmth, a } = scope();
    warmUp(warmth, a, 0);
    warmth.advance(TTL_MS);
    expect(warmth.state(a)).toBe(cold);
    warmth.confirm(a, TTL_MS - 3000, TTL_MS + 1);
    expect(warmth.state(a)).toBe(warm);
  });

  it('W2 what has expired by the time of its first byte is not warm', () => {
    const { warmth, a } = scope();
    warmth.lead(a, TTL_MS, 0, 0);
    warmth.confirm(a, 0, TTL_MS);
    warmth.leadOver(a);
    expect(warmth.state(a)).toBe(cold);
  });
});

it('W3 a prefix whose leaders have all come to nothing is cold', () => {
  const { warmth, a } = scope();
  warmth.lead(a, TTL_MS, 0, 0);
  warmth.lead(a, TTL_MS, 0, 50_000);
  warmth.leadOver(a);
  expect(warmth.state(a)).toBe(warming);
  warmth.leadOver(a);
  expect(warmth.state(a)).toBe(cold);
});

it('W3 a prefix that expires while another call leads it waits for that', () => {
  const { warmth, a } = scope();
  warmth.lead(a, TTL_MS, 0, 0);
  warmth.lead(a, TTL_MS, 0, 290_000);
  warmth.confirm(a, 0, 291_000);
  warmth.leadOver(a);
  warmth.advance(TTL_MS);
  expect([warmth.state(a), warmth.isOverdue(a)]).toEqual([warming, false]);
});

describe('silence', () => {
  it('W4 silence begins with the call, not with being handed out', () => {
    const { warmth, a } = scope();
    warmth.lead(a, TTL_MS, 5000, 0);
    expect(warmth.nextDeadlineMs()).toBe(35_000);
    warmth.leadStarted(a, 2000);
    warmth.advance(36_999);
    expect([warmth.state(a), warmth.isOverdue(a)]).toEqual([warming, false]);
    warmth.advance(37_000);
    expect([warmth.state(a), warmth.isOverdue(a)]).toEqual([cold, true]);
  });

  it('W4 leaders that are slow by nature are given longer', () => {
    const { warmth } = scope();
    expect(warmth.gateTimeoutMs).toBe(30_000);
    for (let i = 0; i < 50; i++) warmth.leaderTook(20_000);
    expect(warmth.gateTimeoutMs).toBeCloseTo(60_000, -1);
  });
});

describe('sizes', () => {
  it('W5 two prefixes that were not cached bury the others of their size, and those still to come', () => {
    const { warmth, plan, prefixes, states } = scope(4);
    const nothing = { readTokens: 0, createdTokens: 0 };
    expect(warmth.judgeWrite(prefixes[0] as number, nothing)).toBe(false);
    expect(states()).toEqual([cold, cold, cold, cold]);
    expect(warmth.judgeWrite(prefixes[1] as number, nothing)).toBe(false);
    expect(states()).toEqual([dead, dead, dead, dead]);
    const later = planOf(grid(2, 2), { salt: 'later' }).plan;
    expect([...warmth.attach(later, new Witness())].map((prefix) => warmth.state(prefix))).toEqual([dead, dead]);
    const other = planOf(grid(1, 2), { salt: 'other', model: 'claude-opus-5-5' }).plan;
    expect(warmth.state(warmth.attach(other, new Witness())[0] as number)).toBe(cold);
    expect(plan.nodeCount).toBe(4);
  });
});

/** How many followers go until they have to wait; a hundred are enough. */
function goes(warmth: PrefixWarmth, prefix: number, nowMs: number): number {
  let gone = 0;
  for (; gone < 100 && warmth.state(prefix) === warm; gone++) warmth.spend(prefix, false, nowMs);
  return gone;
}

describe('doubt', () => {
  const missed = { readTokens: 0, createdTokens: 20_000 };
  const read = { readTokens: 20_000, createdTokens: 0 };

  it('W6 in doubt, followers go by one, two and four, each first byte letting two go', () => {
    const { warmth, a, b } = scope();
    warmUp(warmth, a, 0);
    for (let i = 0; i < 4; i++) warmth.judgeRead(a, missed, 100_000, 101_000);
    warmUp(warmth, b, 200_000);
    const waves = [0, 1, 2].map((wave) => {
      let gone = 0;
      for (; warmth.state(b) === warm; gone++) warmth.spend(b, false, 201_000 + wave);
      for (let i = 0; i < gone; i++) warmth.judgeRead(b, read, 201_000, 202_000 + wave);
      return gone;
    });
    expect(waves).toEqual([1, 2, 4]);
  });

  it('W6 until a read of the model is seen, eight go in all, and the others wait for what these find', () => {
    const { warmth, a, b, states } = scope(3);
    warmUp(warmth, a, 0);
    expect(goes(warmth, a, 1000)).toBe(8);
    warmUp(warmth, b, 0);
    expect(states()).toEqual([settling, settling, cold]);
    for (let i = 0; i < 2; i++) warmth.judgeRead(a, missed, 1000, 2000);
    expect([goes(warmth, b, 2000), goes(warmth, a, 2000)]).toEqual([2, 0]);
    warmth.judgeRead(a, read, 2000, 3000);
    expect(states()).toEqual([warm, warm, cold]);
    expect(goes(warmth, a, 3000)).toBe(100);
    expect(goes(warmth, b, 3000)).toBe(100);
  });

  it('W6 who leads is let through while nothing is proven, and nobody waits for ever', () => {
    const { warmth, a } = scope();
    warmUp(warmth, a, 0);
    for (let i = 0; i < 20; i++) warmth.spend(a, true, 1000);
    expect(warmth.state(a)).toBe(warm);
    warmth.spend(a, false, 1000);
    expect(warmth.state(a)).toBe(settling);
    warmth.advance(31_000 - 1);
    expect(warmth.state(a)).toBe(settling);
    warmth.advance(31_000);
    expect(goes(warmth, a, 31_000)).toBe(1);
  });

  it('W6 a follower that came to nothing gives its leave back, and one that is silent for too long too', () => {
    const { warmth, a, b } = scope();
    warmUp(warmth, a, 0);
    for (let i = 0; i < 4; i++) warmth.judgeRead(a, missed, 100_000, 101_000);
    warmUp(warmth, b, 200_000);
    warmth.spend(b, false, 201_000);
    expect(warmth.state(b)).toBe(settling);
    warmth.grant(b, 1, 201_500);
    expect(warmth.state(b)).toBe(warm);
    warmth.spend(b, false, 202_000);
    warmth.advance(202_000 + 30_000 - 1);
    expect(warmth.state(b)).toBe(settling);
    warmth.advance(202_000 + 30_000);
    expect(warmth.state(b)).toBe(warm);
  });

  it('W6 an answer that wrote nothing has read all there was, however small it was taken for', () => {
    const { warmth, a } = scope();
    warmUp(warmth, a, 0);
    for (let i = 0; i < 40; i++) warmth.judgeRead(a, { readTokens: 5000, createdTokens: 0 }, 2000, 3000);
    warmUp(warmth, a, 1000);
    warmth.spend(a, false, 4000);
    expect(warmth.state(a)).toBe(warm);
  });
});

it('W7 after a miss of a young prefix, the next waits after its first byte', () => {
  const { warmth, a, b } = scope();
  warmUp(warmth, a, 0);
  warmth.judgeRead(a, { readTokens: 0, createdTokens: 20_000 }, 1000, 2000);
  warmUp(warmth, b, 10_000);
  expect([warmth.state(b), warmth.nextDeadlineMs()]).toEqual([settling, 11_250]);
  warmth.advance(11_250);
  expect(warmth.state(b)).toBe(warm);
});

it('W8 a model that never hits is waited for no more, until a read is seen', () => {
  const { warmth, a, b, states } = scope();
  warmUp(warmth, a, 0);
  for (let i = 0; i < 16; i++) warmth.judgeRead(a, { readTokens: 0, createdTokens: 20_000 }, 50_000, 51_000);
  expect(states()).toEqual([dead, dead]);
  warmth.noticed(b, { readTokens: 20_000, createdTokens: 0 });
  const later = planOf(grid(1, 2), { salt: 'later' }).plan;
  expect(warmth.state(warmth.attach(later, new Witness())[0] as number)).toBe(cold);
});

it('W1 all that watch a prefix are told of each change once', () => {
  const { warmth, plan, witness, a } = scope();
  const other = new Witness();
  expect([...warmth.attach(plan, other)]).toEqual([0, 1]);
  warmUp(warmth, a, 0);
  expect(other.told).toEqual([
    [0, warming],
    [0, warm],
  ]);
  expect(witness.told).toEqual(other.told);
});

describe('forgetting', () => {
  it('W10 what nobody watches is forgotten: at once when cold, when it expires when warm', () => {
    const { warmth, witness, prefixes, a } = scope();
    warmUp(warmth, a, 0);
    warmth.detach(prefixes, witness);
    expect(warmth.size).toBe(1);
    warmth.advance(TTL_MS);
    expect(warmth.size).toBe(0);
  });

  it('W10 what is warm is found warm by a later batch', () => {
    const { warmth, plan, witness, prefixes, a } = scope();
    warmUp(warmth, a, 0);
    warmth.detach(prefixes, witness);
    const found = warmth.attach(plan, new Witness());
    expect([...found].map((prefix) => warmth.state(prefix))).toEqual([warm, cold]);
  });

  it('W10 what is led is kept until its leader is over', () => {
    const { warmth, witness, prefixes, a } = scope();
    warmth.lead(a, TTL_MS, 0, 0);
    warmth.detach(prefixes, witness);
    expect(warmth.size).toBe(1);
    warmth.leadOver(a);
    expect(warmth.size).toBe(0);
  });

  it('W10 two thousand batches, one after another, leave nothing behind', () => {
    const warmth = new PrefixWarmth(UPSTREAM_PROFILES.anthropic);
    for (let batch = 0; batch < 2000; batch++) {
      const { plan } = planOf(grid(2, 2), { salt: String(batch) });
      const witness = new Witness();
      const prefixes = warmth.attach(plan, witness);
      expect(Math.max(...prefixes)).toBeLessThan(2 * 301);
      warmUp(warmth, prefixes[0] as number, 1000 * batch);
      warmth.detach(prefixes, witness);
      warmth.advance(1000 * batch);
    }
    expect(warmth.size).toBeLessThanOrEqual(301);
  });
});
