import { lookInSteps, type Steps } from '../steps.ts';
import type { PromptBlocks } from './prompt-blocks.ts';
import { lastNode, type PromptTrie } from './prompt-trie.ts';

/** What a marker mode decided: which nodes of the trie the plan has, and how they hang together. Ids are the trie's. */
export interface ChosenPrefixes {
  /** Per node, 1: in the plan. */
  readonly kept: Uint8Array;
  /** Per node in the plan, the one above it; -1: top level. */
  readonly parent: Int32Array;
  /** Per node in the plan, the requests that write or read it. */
  readonly requests: Uint32Array;
  /** Per node in the plan: 0 = 5 minutes, 1 = 1 hour. */
  readonly ttl: Uint8Array;
  /** Per request, its deepest node in the plan; -1: none. */
  readonly anchor: Int32Array;
  /** See `PlacedPlan.reach`. */
  readonly reach: Uint8Array | null;
}

/** Per node, the nearest one at or above it that is among the kept; -1: none. */
export function nearestKept(trie: PromptTrie, kept: Uint8Array): Int32Array {
  const nearest = new Int32Array(trie.size);
  for (let node = 0; node < trie.size; node++) {
    const above = trie.parent[node] as number;
    nearest[node] = kept[node] === 1 ? node : above < 0 ? -1 : (nearest[above] as number);
  }
  return nearest;
}

/** Hangs every request and every kept node at the nearest kept node of its path. */
export function* hangByPath(
  trie: PromptTrie,
  blocks: PromptBlocks,
  kept: Uint8Array,
  ttl: Uint8Array,
): Steps<ChosenPrefixes> {
  const nearest = nearestKept(trie, kept);
  yield trie.size;
  const parent = new Int32Array(trie.size);
  for (let node = 0; node < trie.size; node++) {
    const above = trie.parent[node] as number;
    parent[node] = above < 0 ? -1 : (nearest[above] as number);
  }
  yield trie.size;
  const anchor = new Int32Array(blocks.requestCount);
  yield* lookInSteps(blocks.requestCount, 1, (r) => {
    const last = lastNode(trie, blocks, r);
    anchor[r] = last < 0 ? -1 : (nearest[last] as number);
  });
  return { kept, parent, requests: trie.requests, ttl, anchor, reach: null };
}
