import { expect, it } from 'vitest';
import { lanePlan } from './lane-plan.ts';
import { planOf } from './plan.fixture.ts';

const PATHS = [
  ['s:100', 'a:1000', 'x:10'],
  ['s:100', 'a:1000', 'y:10'],
  ['s:100', 'b:2000', 'x:10'],
  ['s:100', 'b:2000', 'y:10'],
  ['t:500'],
  ['t:500'],
  [],
];
const { plan } = planOf(PATHS.map((path) => ({ path, suffixTokens: 5 })));

/** The tokens of each prefix on a request's way, from its anchor up, and how many share it. */
function wayOf(of: typeof plan, request: number): [tokens: number, requests: number][] {
  const way: [number, number][] = [];
  for (let node = of.anchor[request] as number; node !== -1; node = of.parent[node] as number) {
    way.push([of.tokens[node] as number, of.requests[node] as number]);
  }
  return way;
}

it('a request of the lane has the prefixes it had, shared by those of the lane alone', () => {
  const lane = lanePlan(plan, (request) => request < 3);
  expect(wayOf(lane, 0)).toEqual([
    [1100, 2],
    [100, 3],
  ]);
  expect(wayOf(lane, 2)).toEqual([
    [2100, 1],
    [100, 3],
  ]);
  expect(lane.nodeCount).toBe(3);
});

it('the others have none, and keep their numbers', () => {
  const lane = lanePlan(plan, (request) => request < 3);
  expect([3, 4, 5, 6].map((request) => lane.anchor[request])).toEqual([-1, -1, -1, -1]);
  expect([lane.requestCount, lane.suffixTokens]).toEqual([plan.requestCount, plan.suffixTokens]);
});

it('a prefix is known by the same hash in every lane', () => {
  const [left, right] = [
    lanePlan(plan, (request) => request % 2 === 0),
    lanePlan(plan, (request) => request % 2 === 1),
  ];
  expect(new Set([...left.hash, ...right.hash])).toEqual(new Set(plan.hash));
  expect([...left.hash].filter((hash) => right.hash.includes(hash))).toHaveLength(plan.nodeCount);
});

it('a lane of all is the plan', () => {
  const { requests, ...rest } = lanePlan(plan, () => true);
  expect(rest).toEqual({ ...plan, requests: undefined, ...rest });
  expect(requests).toEqual(plan.requests);
  expect(rest.parent).toEqual(plan.parent);
  expect(rest.anchor).toEqual(plan.anchor);
});
