import { describe, expect, it } from 'vitest';
import { grid, planOf, type PathRequest } from './plan.fixture.ts';
import { PrefixSchedule } from './prefix-schedule.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import { runSchedules } from './schedule-harness.fixture.ts';
import type { Room, Turn } from './turn.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';

const READ = { readTokens: 20_000, createdTokens: 0 };
const WRITTEN = { readTokens: 0, createdTokens: 20_000 };

function room(nowMs: number, change: Partial<Room> = {}): Room {
  return { nowMs, idle: 10, concurrency: 10, firstByteMs: 1000, durationMs: 20_000, ...change };
}

function scheduleOf(requests: readonly PathRequest[], warmth = new PrefixWarmth(UPSTREAM_PROFILES.anthropic)) {
  const { plan } = planOf(requests);
  return { schedule: new PrefixSchedule(plan, warmth, () => true), warmth, plan };
}

function takeAll(schedule: PrefixSchedule, nowMs: number, change: Partial<Room> = {}): Turn[] {
  const turns: Turn[] = [];
  for (let turn = schedule.take(room(nowMs, change)); turn !== null; turn = schedule.take(room(nowMs, change))) {
    schedule.started(turn.request, nowMs);
    turns.push(turn);
  }
  return turns;
}

const requests = (turns: readonly Turn[]): number[] => turns.map(({ request }) => request);

const filler = (name: string): PathRequest => ({ path: [`${name}:9000`], suffixTokens: 10 });

describe('leading', () => {
  it('S6 one request leads a cold prefix, and its followers go with its first byte', () => {
    const { schedule } = scheduleOf(grid(1, 4));
    expect(takeAll(schedule, 0)).toEqual([{ request: 0, role: 'leader', reason: 'leads' }]);
    expect([schedule.isReady(500), schedule.size]).toEqual([false, 3]);
    schedule.firstByte(0, WRITTEN, 6000);
    expect(schedule.isReady(6000)).toBe(true);
    expect(takeAll(schedule, 6000)).toEqual(
      [1, 2, 3].map((request) => ({ request, role: 'follower', reason: 'warm' })),
    );
  });

  it('S6 one leader warms all that is cold on its path', () => {
    const { schedule } = scheduleOf(grid(3, 2, { path: (d) => ['s:4000', `d${d}:20000`] }));
    expect(requests(takeAll(schedule, 0))).toEqual([0]);
    schedule.firstByte(0, WRITTEN, 7000);
    expect(takeAll(schedule, 7000).map(({ request, role }) => [request, role])).toEqual([
      [2, 'leader'],
      [4, 'leader'],
      [1, 'follower'],
    ]);
  });

  it('S6 the request with the least of its own leads, and what takes longest is led first', () => {
    const { schedule } = scheduleOf([
      { path: ['a:5000'], suffixTokens: 900 },
      { path: ['a:5000'], suffixTokens: 10 },
      { path: ['b:50000'], suffixTokens: 10 },
      { path: ['b:50000'], suffixTokens: 10 },
    ]);
    expect(requests(takeAll(schedule, 0))).toEqual([2, 1]);
  });
});

describe('what shares nothing', () => {
  it('S2 what shares nothing goes at once, beside the leaders', () => {
    const { schedule } = scheduleOf([...grid(1, 3), filler('x'), filler('y')]);
    expect(takeAll(schedule, 0)).toEqual([
      { request: 0, role: 'leader', reason: 'look_ahead' },
      { request: 3, role: 'filler', reason: 'single_use' },
      { request: 4, role: 'filler', reason: 'single_use' },
    ]);
  });
});

describe('handing out', () => {
  it('S3 nothing goes where no place is idle', () => {
    const { schedule } = scheduleOf([filler('x')]);
    expect(schedule.take(room(0, { idle: 0 }))).toBeNull();
    expect(schedule.size).toBe(1);
  });

  it('S3 only what is pending is queued', () => {
    const { plan } = planOf(grid(1, 4));
    const schedule = new PrefixSchedule(plan, new PrefixWarmth(UPSTREAM_PROFILES.anthropic), (r) => r > 1);
    expect([schedule.size, requests(takeAll(schedule, 0))]).toEqual([2, [2]]);
  });
});

describe('silence', () => {
  it('S4 while a leader is silent, the moment is known at which another goes', () => {
    const { schedule } = scheduleOf(grid(1, 3));
    takeAll(schedule, 0);
    expect(schedule.nextWakeMs()).toBe(50_000);
    expect(schedule.isReady(49_999)).toBe(false);
    expect(schedule.isReady(50_000)).toBe(true);
    expect(takeAll(schedule, 50_000)).toEqual([{ request: 1, role: 'leader', reason: 'gate_timeout' }]);
  });

  it('S4 silence begins when the call does', () => {
    const { schedule } = scheduleOf(grid(1, 3));
    schedule.take(room(0));
    schedule.started(0, 2000);
    expect([schedule.isReady(50_000), schedule.isReady(51_999)]).toEqual([false, false]);
    expect(schedule.nextWakeMs()).toBe(52_000);
    expect(schedule.isReady(52_000)).toBe(true);
  });

  it('S4 what has expired is led again, and its followers wait once more', () => {
    const { schedule } = scheduleOf(grid(1, 4));
    takeAll(schedule, 0);
    schedule.firstByte(0, WRITTEN, 6000);
    expect(schedule.isReady(290_000)).toBe(true);
    expect(takeAll(schedule, 300_000)).toEqual([{ request: 1, role: 'leader', reason: 'leads' }]);
    expect(schedule.isReady(300_000)).toBe(false);
    schedule.ended(1, null, 301_000);
    expect(schedule.isReady(301_000)).toBe(true);
  });

  it('S4 a leader that was handed out and never sent is followed by another', () => {
    const { schedule } = scheduleOf(grid(1, 3));
    schedule.take(room(0));
    schedule.push(0);
    expect(takeAll(schedule, 10)).toEqual([{ request: 1, role: 'leader', reason: 'leads' }]);
  });
});

describe('looking ahead', () => {
  it('S7 the next prefix is led while there is work for as long as its first byte takes', () => {
    const { schedule } = scheduleOf(grid(4, 60));
    expect(schedule.take(room(0, { concurrency: 2, idle: 1 }))).toEqual({
      request: 0,
      role: 'leader',
      reason: 'leads',
    });
    schedule.started(0, 0);
    schedule.firstByte(0, WRITTEN, 6000);
    const [first] = takeAllBut(schedule, 1, 6000);
    schedule.started(first!.request, 6000);
    schedule.firstByte(first!.request, READ, 6000);
    const next = takeAllBut(schedule, 57, 6000);
    expect(next.every(({ reason }) => reason === 'warm')).toBe(true);
    // One follower is left: at two places and six seconds, that is not enough to look away from.
    expect(schedule.take(room(6000, { concurrency: 20, idle: 1 }))?.reason).toBe('look_ahead');
  });

  it('S7 no more groups are opened ahead than can each be used in time', () => {
    const { schedule } = scheduleOf(grid(100, 2));
    // A place serves a call in 60 s. In the 225 s of a prefix's life that are relied on, four places serve 12, with a fifth to spare.
    const slow = { concurrency: 4, idle: 4, firstByteMs: 600_000, durationMs: 60_000 };
    for (let i = 0; i < 12; i++) {
      const { request } = schedule.take(room(0, slow)) as Turn;
      schedule.started(request, 0);
      schedule.firstByte(request, WRITTEN, 6000);
    }
    expect(schedule.take(room(6000, slow))?.reason).toBe('warm');
    expect(schedule.take(room(6000, { ...slow, durationMs: 20_000 }))?.reason).toBe('look_ahead');
  });
});

function takeAllBut(schedule: PrefixSchedule, count: number, nowMs: number): Turn[] {
  return Array.from({ length: count }, () => schedule.take(room(nowMs, { concurrency: 1, idle: 1 })) as Turn);
}

describe('expiry', () => {
  it('S8 a prefix in the last fifth of its life is used before all else', () => {
    const { schedule } = scheduleOf(grid(2, 200));
    expect(requests(takeAll(schedule, 0, { idle: 2 }).slice(0, 2))).toEqual([0, 200]);
    schedule.firstByte(0, WRITTEN, 6000);
    schedule.firstByte(200, WRITTEN, 6000);
    const one = { concurrency: 1, idle: 1 };
    const use = (nowMs: number): Turn | null => {
      const turn = schedule.take(room(nowMs, one));
      if (turn === null) return null;
      schedule.started(turn.request, nowMs);
      schedule.firstByte(turn.request, READ, nowMs + 1000);
      return turn;
    };
    expect(use(237_999)).toEqual({ request: 1, role: 'follower', reason: 'warm' });
    expect(use(239_000)).toEqual({ request: 201, role: 'follower', reason: 'nearest_expiry' });
    expect(use(240_000)).toEqual({ request: 2, role: 'follower', reason: 'warm' });
  });

  it('S8 a use that came to nothing is made again at once, by whichever batch', () => {
    const { schedule, warmth } = scheduleOf(grid(1, 200));
    const { schedule: other } = scheduleOf(grid(1, 200), warmth);
    takeAll(schedule, 0);
    schedule.firstByte(0, WRITTEN, 6000);
    const one = { concurrency: 1, idle: 1 };
    expect(other.take(room(239_000, one))).toEqual({ request: 0, role: 'follower', reason: 'nearest_expiry' });
    expect(schedule.take(room(239_000, one))).toEqual({ request: 1, role: 'follower', reason: 'warm' });
    other.ended(0, null, 239_500);
    expect(schedule.take(room(239_500, one))).toEqual({ request: 2, role: 'follower', reason: 'nearest_expiry' });
    schedule.ended(1, null, 239_600);
    expect(other.take(room(239_600, one))?.reason).toBe('nearest_expiry');
  });

  it('S8 a prefix that only has others below it is kept warm by the leader of one', () => {
    const { schedule } = scheduleOf(grid(2, 200, { path: (d) => ['s:4000', `d${d}:20000`] }));
    const one = { concurrency: 1, idle: 1 };
    const first = schedule.take(room(0, one)) as Turn;
    schedule.started(first.request, 0);
    schedule.firstByte(first.request, WRITTEN, 8000);
    expect(schedule.take(room(237_000, one))).toEqual({ request: 1, role: 'follower', reason: 'warm' });
    schedule.ended(1, null, 237_500);
    expect(schedule.take(room(239_000, one))).toEqual({ request: 200, role: 'leader', reason: 'nearest_expiry' });
  });
});

it('S8 a prefix above a leader that failed is used as soon as it must be', () => {
  const path = (d: number): string[] => ['s:4000', `d${d}:20000`];
  const { schedule } = scheduleOf([
    ...grid(2, 3, { path }).filter((_, request) => request !== 2),
    ...grid(1, 200, { path: () => ['z:1000'] }),
  ]);
  const take = (nowMs: number, firstByteMs = 1000): Turn | null => {
    const turn = schedule.take(room(nowMs, { concurrency: 1, idle: 1, firstByteMs }));
    if (turn !== null) schedule.started(turn.request, nowMs);
    return turn;
  };
  expect(take(0)?.request).toBe(0);
  schedule.firstByte(0, WRITTEN, 8000);
  expect(take(10_000)?.request).toBe(1);
  schedule.firstByte(1, READ, 11_000);
  expect([take(20_000)?.request, take(20_000)?.request]).toEqual([2, 5]);
  schedule.firstByte(5, WRITTEN, 21_500);
  schedule.ended(2, null, 22_000);
  expect(take(220_000, 1e9)).toEqual({ request: 3, role: 'leader', reason: 'look_ahead' });
  // It must be used by now, but the only one below it that is left is being led.
  expect(take(249_000)?.reason).toBe('warm');
  schedule.ended(3, null, 250_000);
  expect(take(251_000)).toEqual({ request: 4, role: 'leader', reason: 'nearest_expiry' });
});

describe('several batches', () => {
  it('S10 two batches never lead a prefix at once, and what one warms the other follows', () => {
    const { schedule: mine, warmth } = scheduleOf(grid(1, 3));
    const { schedule: other } = scheduleOf(grid(1, 3), warmth);
    let told = 0;
    other.onReadiness = () => {
      told += 1;
    };
    expect(takeAll(mine, 0)).toHaveLength(1);
    expect([other.isReady(0), takeAll(other, 0)]).toEqual([false, []]);
    mine.firstByte(0, WRITTEN, 6000);
    expect([told, other.isReady(6000)]).toEqual([1, true]);
    expect(takeAll(other, 6000).map(({ role }) => role)).toEqual(['follower', 'follower', 'follower']);
  });

  it('S10 the way down avoids what another batch is leading', () => {
    const path = (d: number): string[] => ['s:4000', `d${d}:20000`];
    const { schedule: mine, warmth } = scheduleOf(grid(1, 3, { path }));
    const { schedule: other } = scheduleOf(grid(2, 3, { path }), warmth);
    takeAll(mine, 0);
    expect(takeAll(other, 0)).toEqual([{ request: 3, role: 'leader', reason: 'leads' }]);
  });

  it('S10 a batch that comes later finds warm what is warm', () => {
    const { schedule: mine, warmth } = scheduleOf(grid(1, 2));
    takeAll(mine, 0);
    mine.firstByte(0, WRITTEN, 6000);
    mine.ended(0, WRITTEN, 25_000);
    mine.close();
    const { schedule: later } = scheduleOf(grid(1, 2), warmth);
    expect(takeAll(later, 100_000).map(({ role }) => role)).toEqual(['follower', 'follower']);
  });
});

describe('closing', () => {
  it('S11 a closed batch hands out nothing, and what it has not begun to lead another leads', () => {
    const { schedule: mine, warmth } = scheduleOf(grid(1, 3));
    const { schedule: other } = scheduleOf(grid(1, 3), warmth);
    expect(mine.take(room(0))?.role).toBe('leader');
    mine.close();
    expect([mine.size, mine.isReady(0), mine.take(room(0)), mine.nextWakeMs()]).toEqual([0, false, null, null]);
    expect(takeAll(other, 0)).toHaveLength(1);
  });

  it('S11 a leader in flight still counts for those who wait for it', () => {
    const { schedule: mine, warmth } = scheduleOf(grid(1, 3));
    const { schedule: other } = scheduleOf(grid(1, 3), warmth);
    takeAll(mine, 0);
    mine.close();
    expect(other.isReady(1000)).toBe(false);
    mine.firstByte(0, WRITTEN, 6000);
    expect(takeAll(other, 6000)).toHaveLength(3);
    mine.ended(0, WRITTEN, 25_000);
    expect(warmth.openGroups).toBe(0);
  });

  it('S11 a leader in flight that fails after its batch was closed is replaced by another batch', () => {
    const { schedule: mine, warmth } = scheduleOf(grid(1, 3));
    const { schedule: other } = scheduleOf(grid(1, 3), warmth);
    takeAll(mine, 0);
    mine.close();
    mine.ended(0, null, 500);
    expect(takeAll(other, 500).map(({ role }) => role)).toEqual(['leader']);
  });

  it('S11 when all that used a scope are closed and over, it remembers only what is warm', () => {
    const { schedule, warmth } = scheduleOf(grid(2, 3));
    takeAll(schedule, 0);
    schedule.firstByte(0, WRITTEN, 6000);
    schedule.close();
    expect(warmth.size).toBe(2);
    schedule.ended(0, WRITTEN, 25_000);
    schedule.ended(3, null, 25_000);
    expect(warmth.size).toBe(1);
    schedule.close();
  });
});

describe('pushing', () => {
  it('S12 what is pushed stands behind the others of its prefix', () => {
    const { schedule } = scheduleOf(grid(1, 4));
    takeAll(schedule, 0);
    schedule.ended(0, null, 500);
    schedule.push(0);
    expect(requests(takeAll(schedule, 1000))).toEqual([1]);
    schedule.firstByte(1, WRITTEN, 7000);
    expect(requests(takeAll(schedule, 7000))).toEqual([2, 3, 0]);
  });

  it('S12 what is pushed to a prefix that nobody caches waits for nobody', () => {
    const { schedule } = scheduleOf(grid(1, 3));
    takeAll(schedule, 0);
    schedule.firstByte(0, { readTokens: 0, createdTokens: 0 }, 6000);
    schedule.ended(0, null, 6500);
    schedule.push(0);
    expect(takeAll(schedule, 7000)).toEqual(
      [1, 2, 0].map((request) => ({ request, role: 'filler', reason: 'never_caches' })),
    );
  });
});

describe('impatience', () => {
  it('S13 where a second is worth more than what waiting saves, nobody waits', () => {
    // Waiting saves 2 × 1.15 × 20,000 tokens; the two places that stay idle cost a fifth of a second in all.
    const worth = (secondWorthTokens: number): number[] => {
      const { schedule } = scheduleOf(grid(1, 3));
      return requests(takeAll(schedule, 0, { secondWorthTokens }));
    };
    expect(worth(229_000)).toEqual([0]);
    expect(worth(231_000)).toEqual([0, 1, 2]);
  });

  it('S13 one that was refused is not asked for again at the same moment', () => {
    const { schedule } = scheduleOf(grid(1, 3));
    takeAll(schedule, 0, { secondWorthTokens: 1 });
    expect(schedule.isReady(0)).toBe(false);
    expect(schedule.nextWakeMs()).toBe(5000);
  });
});

describe('marks of the client’s own', () => {
  it('S15 a conversation that grows is written turn by turn, each by the request that ends there', () => {
    const turns = Array.from({ length: 12 }, (_, i) => `t${i}:2000`);
    const growing = turns.map((_, i) => ({ path: turns.slice(0, i + 1), suffixTokens: 20, reach: 1 }));
    const last = growing.at(-1) as PathRequest;
    const shuffled = [...growing.slice(0, -1).toReversed(), { ...last, reach: 0 }];
    for (const concurrency of [1, 4, 50]) {
      const { plan, bound } = planOf(shuffled);
      const { written } = runSchedules({ batches: [{ plan }], concurrency });
      expect(written).toBe(bound.written);
    }
  });

  it('S15 who writes more of a path leads before who writes less', () => {
    const path = (d: number): string[] => ['s:4000', `d${d}:20000`];
    const mixed = [0, 1, 2].flatMap((d) => [
      { path: path(d), suffixTokens: 5, reach: 1 },
      { path: path(d), suffixTokens: 50, reach: 2 },
      { path: path(d), suffixTokens: 5, reach: 1 },
    ]);
    const { plan, bound } = planOf(mixed);
    const { calls, written } = runSchedules({ batches: [{ plan }], concurrency: 20 });
    expect(calls[0]?.turn).toEqual({ request: 1, role: 'leader', reason: 'leads' });
    expect(written).toBe(bound.written);
  });

  it('S15 where nobody is left who writes a prefix, nobody waits for it', () => {
    const { schedule } = scheduleOf(grid(1, 3).map((request) => ({ ...request, reach: 0 })));
    expect(takeAll(schedule, 0)).toEqual(
      [0, 1, 2].map((request) => ({ request, role: 'follower', reason: 'not_worth_waiting' })),
    );
  });
});
