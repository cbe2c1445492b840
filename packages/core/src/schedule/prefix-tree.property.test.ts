import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planOf } from './plan.fixture.ts';
import { prefixTree } from './prefix-tree.ts';
import { tries } from './trie.fixture.ts';

it('children lie side by side, and ranks go from the deepest up', () => {
  fc.assert(
    fc.property(tries, (requests) => {
      const { plan } = planOf(requests);
      const tree = prefixTree(plan);
      const nodes = Array.from({ length: plan.nodeCount }, (_, node) => node);
      for (const parent of [...nodes, tree.top]) {
        const [start, end] = [tree.childStart[parent] as number, tree.childEnd[parent] as number];
        const children = nodes.filter((node) => tree.parent[node] === parent);
        expect([...tree.nodeAt.subarray(start, end)].toSorted((a, b) => a - b)).toEqual(children);
      }
      expect(nodes.map((node) => tree.nodeAt[tree.placeOf[node] as number])).toEqual(nodes);
      expect([...nodes, tree.top].map((node) => tree.ofRank[tree.rank[node] as number])).toEqual([...nodes, tree.top]);
      for (const node of nodes) expect(tree.rank[node]).toBeLessThan(tree.rank[tree.parent[node] as number] as number);
    }),
  );
});

it('a leader goes on into a child, unless one of the node’s own sets the others free sooner', () => {
  const only = prefixTree(planOf([two('a:4000', 'b:4000'), two('a:4000', 'c:4000')].flat()).plan);
  expect(only.way[0]).toBe(1);
  const own = { path: ['a:4000'], suffixTokens: 50 };
  const wide = planOf([own, ...two('a:4000', 'b:80000'), ...two('a:4000', 'c:80000')]).plan;
  expect(prefixTree(wide).way[0]).toBe(-1);
});

it('the child that takes longest comes first', () => {
  const { plan } = planOf([...two('a:4000', 'b:4000'), ...two('a:4000', 'c:9000'), ...two('a:4000', 'd:6000')]);
  const { nodeAt, childStart, childEnd } = prefixTree(plan);
  const children = nodeAt.subarray(childStart[0] as number, childEnd[0] as number);
  expect(Array.from(children, (node) => plan.tokens[node])).toEqual([13_000, 10_000, 8000]);
});

const two = (...path: readonly string[]) => [
  { path, suffixTokens: 50 },
  { path, suffixTokens: 50 },
];
