import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planOf as namedPlan, type PathRequest } from '../schedule/plan.fixture.ts';
import { homeOf, replicaSeed } from '../schedule/replica-choice.ts';
import { Affinity } from './affinity.ts';
import { planPrefixes } from './plan-prefixes.ts';
import type { PrefixPlan } from './prefix-plan.ts';
import { blocksOf, documentsAndQuestions, type Block } from './prompts.fixture.ts';

const seedsOf = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => replicaSeed(`http://gpu-${i}:8000`));

function planOf(prompts: readonly (readonly Block[])[]): PrefixPlan {
  return planPrefixes(blocksOf(prompts), { markers: 'respect', profile: 'ignored', minimumTokens: () => 64 });
}

const SYSTEM: Block = { text: 'system', tokens: 500 };
const withSystem = (prompts: readonly (readonly Block[])[]): Block[][] => prompts.map((prompt) => [SYSTEM, ...prompt]);
const DOCUMENT = { document: 2000, question: 10 };

const prompt = fc
  .array(fc.nat(3), { minLength: 1, maxLength: 4 })
  .map((path) => path.map((name, depth) => ({ text: `${depth}.${name}`, tokens: 100 })));
const prompts = fc.array(prompt, { minLength: 2, maxLength: 60 });
const replicas = fc.integer({ min: 2, max: 16 });

describe('H1 the key of a request', () => {
  it('H1 is that of its document, not of the system prompt that all share', () => {
    const affinity = new Affinity(planOf(withSystem(documentsAndQuestions(6, 10, DOCUMENT))), seedsOf(3));
    const keys = Array.from({ length: 60 }, (_, request) => affinity.of(request));
    expect(new Set(keys).size).toBe(6);
    for (let request = 0; request < 60; request++) expect(keys[request]).toBe(keys[request - (request % 10)]);
  });

  it('H1 is that of its deepest prefix where more share each than one replica’s part', () => {
    const plan = planOf(withSystem(documentsAndQuestions(1, 20, DOCUMENT)));
    const affinity = new Affinity(plan, seedsOf(3));
    const first = affinity.of(0) as number;
    expect(new Set(Array.from({ length: 20 }, (_, request) => affinity.of(request)))).toEqual(new Set([first]));
    expect(homeOf(first, seedsOf(3))).toBe(affinity.homeOf(0));
  });

  it('H2 is null for what shares nothing, and such are dealt out in turn', () => {
    const alone = Array.from({ length: 6 }, (_, i) => [{ text: `alone ${i}`, tokens: 1000 }]);
    const affinity = new Affinity(planOf(alone), seedsOf(3));
    expect(Array.from({ length: 6 }, (_, r) => [affinity.of(r), affinity.homeOf(r)])).toEqual(
      [0, 1, 2, 0, 1, 2].map((home) => [null, home]),
    );
  });

  it('H1 divides no prefix that at most one in R of the requests share', () => {
    fc.assert(
      fc.property(prompts, replicas, (paths, count) => {
        const plan = planOf(paths);
        const affinity = new Affinity(plan, seedsOf(count));
        const keysUnder = Array.from({ length: plan.nodeCount }, () => new Set<number | null>());
        plan.anchor.forEach((anchor, request) => {
          for (let node = anchor; node !== -1; node = plan.parent[node] as number)
            keysUnder[node]?.add(affinity.of(request));
        });
        keysUnder.forEach((keys, node) => {
          if ((plan.requests[node] as number) * count <= paths.length) expect(keys.size).toBe(1);
        });
      }),
    );
  });

  it('H1 has at most one in R of the requests, but where their deepest prefix has more', () => {
    fc.assert(
      fc.property(prompts, replicas, (paths, count) => {
        const plan = planOf(paths);
        const affinity = new Affinity(plan, seedsOf(count));
        const requestsOf = new Map<number, number[]>();
        plan.anchor.forEach((_, request) => {
          const key = affinity.of(request);
          if (key !== null) requestsOf.set(key, [...(requestsOf.get(key) ?? []), request]);
        });
        for (const requests of requestsOf.values()) {
          const anchors = new Set(requests.map((request) => plan.anchor[request] as number));
          if (requests.length * count > paths.length) expect(anchors.size).toBe(1);
        }
      }),
    );
  });
});

describe('H3 where the requests of a batch are at home', () => {
  it('H3 a key’s home is the one its calls are sent to', () => {
    fc.assert(
      fc.property(prompts, replicas, (paths, count) => {
        const seeds = seedsOf(count);
        const affinity = new Affinity(planOf(paths), seeds);
        paths.forEach((_, request) => {
          const key = affinity.of(request);
          if (key !== null) expect(affinity.homeOf(request)).toBe(homeOf(key, seeds));
        });
      }),
    );
  });

  it('H3 each replica is given its share, within one document and a sixteenth', () => {
    for (const [documents, count] of [
      [20, 3],
      [100, 8],
      [64, 16],
    ] as const) {
      const affinity = new Affinity(planOf(documentsAndQuestions(documents, 5, DOCUMENT)), seedsOf(count));
      const given = Array.from({ length: count }, () => 0);
      for (let request = 0; request < documents * 5; request++) {
        given[affinity.homeOf(request)] = (given[affinity.homeOf(request)] as number) + 1;
      }
      expect(Math.max(...given)).toBeLessThanOrEqual(((documents * 5) / count) * (17 / 16) + 5);
    }
  });

  it('H4 most documents meet at the same replica in the next batch, whatever else that holds', () => {
    const seeds = seedsOf(4);
    const questions = (d: number, count: number): PathRequest[] =>
      Array.from({ length: count }, () => ({ path: [`d${d}:2000`], suffixTokens: 10 }));
    const numbers = Array.from({ length: 80 }, (_, d) => d);
    const { plan: first } = namedPlan(numbers.flatMap((d) => questions(d, 4)));
    const { plan: mixed } = namedPlan(numbers.flatMap((d) => questions(d + 30, 2 + (d % 6))));
    const homes = (plan: PrefixPlan): ReadonlyMap<number, number> => {
      const affinity = new Affinity(plan, seeds);
      return new Map([...plan.anchor].map((node, request) => [plan.hash[node] as number, affinity.homeOf(request)]));
    };
    const before = homes(first);
    const both = [...homes(mixed)].filter(([hash]) => before.has(hash));
    expect(both.length).toBe(50);
    const same = both.filter(([hash, home]) => before.get(hash) === home);
    expect(same.length / both.length).toBeGreaterThan(0.7);
  });
});
