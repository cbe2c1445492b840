import { describe, expect, it } from 'vitest';
import { Affinity } from '../prefix/affinity.ts';
import { PrefixSchedule } from './prefix-schedule.ts';
import { PrefixWarmth } from './prefix-warmth.ts';
import { planOf, type PathRequest } from './plan.fixture.ts';
import { chooseReplica, loadBound, replicaSeed } from './replica-choice.ts';
import { ReplicaLanes } from './replica-lanes.ts';
import type { RequestOrder } from './request-order.ts';
import type { Room } from './turn.ts';
import { UPSTREAM_PROFILES } from './upstream-profile.ts';

const PROFILE = UPSTREAM_PROFILES.vllm;
const USED = { readTokens: 1, createdTokens: 0 };

const room = (nowMs: number, idle = 1): Room => ({
  nowMs,
  idle,
  concurrency: 12,
  firstByteMs: 1000,
  durationMs: 10_000,
});

/** Documents of a system prompt that all share, each with so many questions. */
const documents = (sizes: readonly number[]): PathRequest[] =>
  sizes.flatMap((questions, d) =>
    Array.from({ length: questions }, () => ({ path: ['s:1000', `d${d}:20000`], suffixTokens: 50 })),
  );

const alone = (count: number): PathRequest[] => Array.from({ length: count }, () => ({ path: [], suffixTokens: 9 }));

function lanesOf(requests: readonly PathRequest[], laneOf: (request: number) => number, lanes = 3): ReplicaLanes {
  const warmths = Array.from({ length: lanes }, () => new PrefixWarmth(PROFILE));
  return new ReplicaLanes(planOf(requests).plan, warmths, laneOf, () => true);
}

function takeAll(order: RequestOrder, count: number): number[] {
  return Array.from({ length: count }, () => order.take(room(0))?.request ?? -1);
}

describe('H13 which lane is next', () => {
  it('H13 each has its own prefix to work on', () => {
    const order = lanesOf(documents([4, 4, 4]), (request) => Math.floor(request / 4));
    expect(takeAll(order, 13).map((request) => (request < 0 ? -1 : Math.floor(request / 4)))).toEqual([
      0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, -1,
    ]);
  });

  it('H13 it is the one with the fewest under way', () => {
    const order = lanesOf(documents([4, 4, 4]), (request) => Math.floor(request / 4));
    const [first, second, third] = takeAll(order, 3) as [number, number, number];
    for (const request of [first, second, third]) order.started(request, 0);
    order.ended(third, USED, 1);
    expect(Math.floor((order.take(room(1))?.request ?? -1) / 4)).toBe(2);
    order.ended(first, USED, 2);
    expect(Math.floor((order.take(room(2))?.request ?? -1) / 4)).toBe(0);
  });

  it('H13 one that ran dry leaves its places to the others', () => {
    const order = lanesOf(documents([1, 1, 6]), (request) => Math.min(request, 2));
    expect(takeAll(order, 8).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(order.size).toBe(0);
    expect(order.isReady(0)).toBe(false);
  });

  it('H13 without a place none is asked twice', () => {
    const order = lanesOf(documents([4, 4, 4]), (request) => Math.floor(request / 4));
    expect(order.take(room(0, 0))).toBeNull();
    expect(order.size).toBe(12);
  });
});

describe('H14 what is handed out', () => {
  it('H14 is every pending request once, in whatever lane', () => {
    const requests = [...documents([7, 5, 2]), ...alone(6)];
    const { plan } = planOf(requests);
    const warmths = [0, 1, 2].map(() => new PrefixWarmth(PROFILE));
    const pending = (request: number): boolean => request % 4 !== 0;
    const order = new ReplicaLanes(plan, warmths, (request) => request % 3, pending);
    const expected = requests.flatMap((_, request) => (pending(request) ? [request] : []));
    expect(order.size).toBe(expected.length);
    expect(takeAll(order, expected.length).toSorted((a, b) => a - b)).toEqual(expected);
    expect(order.take(room(0))).toBeNull();
  });

  it('H14 comes again after it was pushed, and counts as under way no longer', () => {
    const order = lanesOf(alone(2), () => 1);
    const request = order.take(room(0))?.request as number;
    order.started(request, 0);
    order.ended(request, null, 1);
    order.push(request);
    expect(order.size).toBe(2);
    expect(takeAll(order, 2).toSorted((a, b) => a - b)).toEqual([0, 1]);
  });

  it('H14 may be pushed before its call ended, as one that was never sent', () => {
    const order = lanesOf(documents([2]), () => 2);
    const request = order.take(room(0))?.request as number;
    order.push(request);
    order.ended(request, null, 1);
    expect(order.size).toBe(2);
  });

  it('H14 is nothing once it is closed', () => {
    const order = lanesOf(documents([4]), () => 0);
    order.close();
    expect([order.size, order.take(room(0)), order.nextWakeMs()]).toEqual([0, null, null]);
  });
});

it('H14 tells when a lane has something again', () => {
  const order = lanesOf(documents([1]), () => 2);
  const request = order.take(room(0))?.request as number;
  let told = 0;
  order.onReadiness = () => (told += 1);
  order.push(request);
  expect(told).toBe(1);
});

describe('H15 three replicas, twelve calls at once', () => {
  const REPLICAS = 3;
  const PLACES = 12;
  const seeds = Array.from({ length: REPLICAS }, (_, i) => replicaSeed(`http://gpu-${i}:8000`));

  /** Runs everything, one answer after another in the order sent, and counts the replicas that read each document. */
  function run(sizes: readonly number[], side: 'by side' | 'one for all') {
    const requests = documents(sizes);
    const { plan } = planOf(requests);
    const affinity = new Affinity(plan, seeds);
    const warmths = seeds.map(() => new PrefixWarmth(PROFILE));
    const order: RequestOrder =
      side === 'by side'
        ? new ReplicaLanes(
            plan,
            warmths,
            (request) => affinity.homeOf(request),
            () => true,
          )
        : new PrefixSchedule(plan, new PrefixWarmth(PROFILE), () => true);
    const inFlight = seeds.map(() => 0);
    const readers = new Map<string, Set<number>>();
    const calls: { readonly request: number; readonly replica: number }[] = [];
    for (let done = 0, now = 0; done < requests.length; done++, now++) {
      while (calls.length < PLACES) {
        const turn = order.take(room(now, PLACES - calls.length));
        if (turn === null) break;
        const replica = chooseReplica(affinity.of(turn.request), { seeds, inFlight, isOpen: () => true }, done);
        inFlight[replica] = (inFlight[replica] as number) + 1;
        expect(inFlight[replica]).toBeLessThanOrEqual(loadBound(calls.length + 1, REPLICAS));
        order.started(turn.request, now);
        calls.push({ request: turn.request, replica });
        const document = requests[turn.request]?.path[1] as string;
        readers.set(document, (readers.get(document) ?? new Set()).add(replica));
      }
      const { request, replica } = calls.shift() as (typeof calls)[number];
      inFlight[replica] = (inFlight[replica] as number) - 1;
      order.ended(request, USED, now);
    }
    return [...readers.values()].reduce((sum, replicas) => sum + replicas.size, 0) / sizes.length;
  }

  it('H15 nearly every document is read by one replica', () => {
    const sizes = Array.from({ length: 30 }, () => 20);
    expect(run(sizes, 'by side')).toBeLessThan(1.15);
    expect(run(sizes, 'one for all')).toBeGreaterThan(2.5);
  });

  it('H15 one document that is most of the work is spread, and the others are not', () => {
    const sizes = [300, ...Array.from({ length: 20 }, () => 10)];
    expect(run(sizes, 'by side')).toBeLessThan(1.4);
  });
});
