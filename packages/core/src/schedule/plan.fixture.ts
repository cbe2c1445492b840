import type { SchedulePlan } from './leader-reach.ts';

/** One request as tests write it: the names of its blocks from the first on, and the tokens of what only it has. */
export interface PathRequest {
  readonly path: readonly string[];
  readonly suffixTokens: number;
  /** How many of its path's prefixes it writes, from the deepest up; absent: all. */
  readonly reach?: number;
}

export interface FixturePlan {
  readonly plan: SchedulePlan;
  /** Tokens written if each prefix is written once, and read by all others that share it. */
  readonly bound: { readonly written: number; readonly read: number };
}

export interface FixtureOptions {
  /** Tokens of a block; by default its name's number after the last `:`. */
  readonly tokensOf?: (block: string) => number;
  readonly ttl?: 0 | 1;
  readonly model?: string;
  /** Makes the same names other prefixes. */
  readonly salt?: string;
}

interface TrieNode {
  readonly key: string;
  readonly parent: TrieNode | null;
  readonly tokens: number;
  readonly depth: number;
  requests: number;
  number: number;
}

/** A plan made the plain way: a trie of strings, cut where the set of requests changes, kept where two share a node. */
export function planOf(requests: readonly PathRequest[], options: FixtureOptions = {}): FixturePlan {
  const { tokensOf = (block: string) => Number(block.slice(block.lastIndexOf(':') + 1)) } = options;
  const trie = new Map<string, TrieNode>();
  const ends = requests.map(({ path }) => {
    let [node, key]: [TrieNode | null, string] = [null, options.salt ?? ''];
    for (const block of path) {
      key += `/${block}`;
      const known = trie.get(key);
      const tokens: number = (node?.tokens ?? 0) + tokensOf(block);
      const next: TrieNode = known ?? {
        key,
        parent: node,
        tokens,
        depth: (node?.depth ?? -1) + 1,
        requests: 0,
        number: -1,
      };
      trie.set(key, next);
      next.requests += 1;
      node = next;
    }
    return node;
  });
  const inner = new Map<TrieNode, number>();
  for (const node of trie.values())
    if (node.parent !== null) inner.set(node.parent, Math.max(inner.get(node.parent) ?? 0, node.requests));
  const kept = [...trie.values()].filter((node) => node.requests > 1 && inner.get(node) !== node.requests);
  kept.sort((a, b) => a.depth - b.depth);
  kept.forEach((node, number) => {
    node.number = number;
  });
  return build(requests, ends, kept, options);
}

function keptFrom(node: TrieNode | null): TrieNode | null {
  let at = node;
  while (at !== null && at.number === -1) at = at.parent;
  return at;
}

function build(
  requests: readonly PathRequest[],
  ends: readonly (TrieNode | null)[],
  kept: readonly TrieNode[],
  { ttl = 0, model = 'claude-sonnet-4-5' }: FixtureOptions,
): FixturePlan {
  const anchors = ends.map(keptFrom);
  const parents = kept.map((node) => keptFrom(node.parent));
  const own = kept.map((node, i) => node.tokens - (parents[i]?.tokens ?? 0));
  const plan: SchedulePlan = {
    nodeCount: kept.length,
    parent: Int32Array.from(parents, (parent) => parent?.number ?? -1),
    hash: Float64Array.from(kept, ({ key }) => hashOf(key)),
    tokens: Uint32Array.from(kept, ({ tokens }) => tokens),
    requests: Uint32Array.from(kept, ({ requests }) => requests),
    block: Uint32Array.from(kept, ({ depth }) => depth),
    ttl: new Uint8Array(kept.length).fill(ttl),
    model: new Uint16Array(kept.length),
    models: [model],
    requestCount: requests.length,
    anchor: Int32Array.from(anchors, (anchor) => anchor?.number ?? -1),
    reach: requests.some(({ reach }) => reach !== undefined)
      ? Uint8Array.from(requests, ({ reach = 255 }) => reach)
      : null,
    suffixTokens: Uint32Array.from(requests, ({ suffixTokens }, r) => {
      return suffixTokens + (ends[r]?.tokens ?? 0) - (anchors[r]?.tokens ?? 0);
    }),
  };
  return {
    plan,
    bound: {
      written: own.reduce((sum, tokens) => sum + tokens, 0),
      read: own.reduce((sum, tokens, i) => sum + tokens * ((kept[i] as TrieNode).requests - 1), 0),
    },
  };
}

/** FNV-1a, twice over, to 53 bits: equal names give equal prefixes in every plan. */
function hashOf(text: string): number {
  let [low, high] = [0x811c9dc5, 0x1b873593];
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193) >>> 0;
    high = Math.imul(high ^ (text.charCodeAt(i) + 17), 0x85ebca6b) >>> 0;
  }
  return low * 2 ** 21 + (high >>> 11);
}

/** `documents` × `questions`, one document after another, or one question of each after another. */
export function grid(
  documents: number,
  questions: number,
  { path = (d: number): readonly string[] => [`d${d}:20000`], order = 'documents', suffixTokens = 50 } = {},
): PathRequest[] {
  const requests: PathRequest[] = [];
  for (let i = 0; i < documents * questions; i++) {
    const document = order === 'documents' ? Math.floor(i / questions) : i % documents;
    requests.push({ path: path(document), suffixTokens });
  }
  return requests;
}
