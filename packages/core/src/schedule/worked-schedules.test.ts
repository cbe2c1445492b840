import { describe, expect, it } from 'vitest';
import { grid, planOf, type PathRequest } from './plan.fixture.ts';
import type { PrefixSchedule } from './prefix-schedule.ts';
import { makespanBound } from './schedule-bounds.fixture.ts';
import { runSchedules, type HarnessResult } from './schedule-harness.fixture.ts';
import type { Room, Turn } from './turn.ts';

interface Example {
  readonly name: string;
  readonly requests: readonly PathRequest[];
  readonly concurrency: number;
  readonly written: number;
  readonly read: number;
  readonly makespanMs: number;
}

const systemAndDocument = (d: number) => ['s:4000', `d${d}:20000`];

const examples: readonly Example[] = [
  {
    name: '3 questions on 1 document',
    requests: grid(1, 3, { path: () => ['d:1248'], suffixTokens: 12 }),
    concurrency: 3,
    written: 1248,
    read: 2496,
    makespanMs: 21_318,
  },
  {
    name: '100 questions on each of 10 documents',
    requests: grid(10, 100),
    concurrency: 50,
    written: 200_000,
    read: 19_800_000,
    makespanMs: 407_275,
  },
  {
    name: 'a system prompt, 5 documents and 20 questions on each',
    requests: grid(5, 20, { path: systemAndDocument }),
    concurrency: 50,
    written: 104_000,
    read: 2_296_000,
    makespanMs: 53_050,
  },
  {
    name: '50 questions on each of 20 documents, question by question, one call at a time',
    requests: grid(20, 50, { order: 'questions' }),
    concurrency: 1,
    written: 400_000,
    read: 19_600_000,
    makespanMs: 20_112_500,
  },
  {
    name: '50 questions on each of 20 documents, more calls at a time than a document has questions',
    requests: grid(20, 50),
    concurrency: 100,
    written: 400_000,
    read: 19_600_000,
    makespanMs: 207_150,
  },
  {
    name: '5 questions on each of 2,000 documents',
    requests: grid(2000, 5),
    concurrency: 100,
    written: 40_000_000,
    read: 160_000_000,
    makespanMs: 2_106_250,
  },
];

function run(requests: readonly PathRequest[], concurrency: number): HarnessResult {
  return runSchedules({ batches: [{ plan: planOf(requests).plan }], concurrency });
}

describe('S1 the tokens of the lower bound are reached, to the token', () => {
  for (const { name, requests, concurrency, ...expected } of examples) {
    it(name, () => {
      const { written, read, makespanMs, peak } = run(requests, concurrency);
      expect({ written, read, makespanMs }).toEqual(expected);
      expect(planOf(requests).bound).toEqual({ written, read });
      expect(peak).toBeLessThanOrEqual(concurrency);
    });
  }
});

it('S5 large batches take hardly longer than their work', () => {
  for (const [requests, concurrency, most] of [
    [grid(20, 1000), 50, 1.002],
    [grid(2000, 5), 100, 1.005],
    [grid(20, 50, { order: 'questions' }), 1, 1],
    [grid(50, 200, { path: systemAndDocument }), 50, 1.006],
  ] as const) {
    const { workMs, chainMs } = makespanBound(planOf(requests).plan, concurrency);
    const { makespanMs, written } = run(requests, concurrency);
    expect(makespanMs / Math.max(workMs, chainMs)).toBeLessThanOrEqual(most);
    expect(written).toBe(planOf(requests).bound.written);
  }
});

it('S2 where nothing is shared, the order and the end are those of a plain queue, to the millisecond', () => {
  const unique = Array.from({ length: 1000 }, (_, i) => ({ path: [`d${i}:5000`], suffixTokens: 50 + i }));
  const { plan } = planOf(unique);
  const scheduled = runSchedules({ batches: [{ plan }], concurrency: 50 });
  const queued = runSchedules({ batches: [{ plan }], concurrency: 50, scheduleOf: () => new Queue(plan.requestCount) });
  expect(scheduled.calls).toEqual(queued.calls);
  expect(scheduled.makespanMs).toBe(queued.makespanMs);
  expect(scheduled.makespanMs).toBeGreaterThan(0);
});

/** First in, first out, and nothing else. */
class Queue implements Pick<PrefixSchedule, keyof PrefixSchedule> {
  readonly #queue: number[];
  readonly waitingForLeader = 0;
  readonly openPrefixes = 0;
  onReadiness = null;

  constructor(requests: number) {
    this.#queue = Array.from({ length: requests }, (_, request) => request);
  }

  get size(): number {
    return this.#queue.length;
  }

  isReady(): boolean {
    return this.size > 0;
  }

  take(room: Room): Turn | null {
    const request = room.idle > 0 ? this.#queue.shift() : undefined;
    return request === undefined ? null : { request, role: 'filler', reason: 'single_use' };
  }

  push(request: number): void {
    this.#queue.push(request);
  }

  nextWakeMs(): null {
    return null;
  }

  started(): void {}
  firstByte(): void {}
  ended(): void {}
  close(): void {}
  stateChanged(): void {}
  expiresSooner(): void {}
}
