import type { PromptBlocks, PromptTrie } from '@batchwright/core';

/**
 * Where prompts part, and which of them to look at: of a million requests only a few can be compared byte by byte. Whatever
 * follows one shared prefix is sorted by length and then by hash, and neighbours at even distances are compared. What
 * differs in a time, an id or a number is equally long, so prompts that are nearly the same become neighbours, even among
 * many others; and hashes are chance, so that the pairs speak for all.
 */
export interface Parting {
  /** Blocks that all have in common before they part. */
  readonly depth: number;
  /** Tokens of those. */
  readonly sharedTokens: number;
  /** Which of the blocks' `models`. */
  readonly model: number;
  /** In how many ways the prompts go on, and how many requests do so in all. */
  readonly branches: number;
  readonly requests: number;
  readonly pairs: readonly SiblingPair[];
}

/** Two requests that have the same prefix and go on differently. */
export interface SiblingPair {
  readonly left: number;
  readonly right: number;
}

/** Places where prompts part that are looked at, and pairs at each. Each pair is two requests to be read again. */
const MOST_PARTINGS = 32;
const MOST_PAIRS = 24;

/** The partings behind which at least this part of all tokens lies; those with the most first. */
export function findPartings(blocks: PromptBlocks, trie: PromptTrie, leastShare: number): readonly Parting[] {
  const tree = new BranchTree(blocks, trie);
  return tree.heaviest(tree.totalTokens * leastShare).map((node) => tree.parting(node));
}

/** Nodes of the trie, and above them one root for each model, numbered from `trie.size` on. */
class BranchTree {
  readonly totalTokens: number;
  readonly #blocks: PromptBlocks;
  readonly #trie: PromptTrie;
  /** Per node: tokens that lie behind it, of all prompts through it; and its branches. */
  readonly #behind: Float64Array;
  readonly #branches: Uint32Array;
  readonly #requests: Float64Array;

  constructor(blocks: PromptBlocks, trie: PromptTrie) {
    this.#blocks = blocks;
    this.#trie = trie;
    const count = trie.size + blocks.models.length;
    this.#behind = new Float64Array(count);
    this.#branches = new Uint32Array(count);
    this.#requests = new Float64Array(count);
    for (let request = 0; request < blocks.requestCount; request++) this.#addPrompt(request);
    this.totalTokens = this.#rootTokens();
    for (let node = trie.size - 1; node >= 0; node--) this.#addBranch(node);
  }

  heaviest(leastTokens: number): readonly number[] {
    const found: number[] = [];
    this.#branches.forEach((branches, node) => {
      if (branches > 1 && (this.#behind[node] as number) >= leastTokens) found.push(node);
    });
    return found
      .sort((a, b) => (this.#behind[b] as number) - (this.#behind[a] as number) || a - b)
      .slice(0, MOST_PARTINGS);
  }

  parting(node: number): Parting {
    const isRoot = node >= this.#trie.size;
    const children = this.#children(node);
    return {
      depth: isRoot ? 0 : (this.#trie.depth[node] as number) + 1,
      sharedTokens: isRoot ? 0 : (this.#trie.tokens[node] as number),
      model: isRoot ? node - this.#trie.size : (this.#trie.model[node] as number),
      branches: children.length,
      requests: this.#requests[node] as number,
      pairs: this.#pairs(children),
    };
  }

  #rootTokens(): number {
    return this.#behind.subarray(this.#trie.size).reduce((sum, tokens) => sum + tokens, 0);
  }

  /** The whole prompt counts at each node of its path, and for its model. */
  #addPrompt(request: number): void {
    const { firstBlock, tokens, model } = this.#blocks;
    const end = firstBlock[request + 1] as number;
    const first = firstBlock[request] as number;
    if (end === first) return;
    const whole = tokens[end - 1] as number;
    const root = this.#trie.size + (model[request] as number);
    this.#behind[root] = (this.#behind[root] as number) + whole;
    this.#requests[root] = (this.#requests[root] as number) + 1;
    for (let block = first; block < end; block++) {
      const node = this.#trie.nodeOf[block] as number;
      if (node < 0) break;
      this.#behind[node] = (this.#behind[node] as number) + whole - (this.#trie.tokens[node] as number);
      this.#requests[node] = (this.#requests[node] as number) + 1;
    }
  }

  #parentOf(node: number): number {
    const parent = this.#trie.parent[node] as number;
    return parent < 0 ? this.#trie.size + (this.#trie.model[node] as number) : parent;
  }

  #addBranch(node: number): void {
    const parent = this.#parentOf(node);
    this.#branches[parent] = (this.#branches[parent] as number) + 1;
  }

  #children(parent: number): Uint32Array {
    const children = new Uint32Array(this.#branches[parent] as number);
    let found = 0;
    for (let node = 0; found < children.length; node++) if (this.#parentOf(node) === parent) children[found++] = node;
    const { tokens, source } = this.#trie;
    const { hash } = this.#blocks;
    return children.sort(
      (a, b) =>
        (tokens[a] as number) - (tokens[b] as number) ||
        (hash[source[a] as number] as number) - (hash[source[b] as number] as number),
    );
  }

  #pairs(children: Uint32Array): readonly SiblingPair[] {
    const neighbours = children.length - 1;
    const count = Math.min(neighbours, MOST_PAIRS);
    return Array.from({ length: count }, (_, i) => {
      const at = Math.floor((i * neighbours) / count);
      return {
        left: this.#firstRequest(children[at] as number),
        right: this.#firstRequest(children[at + 1] as number),
      };
    });
  }

  /** The request whose block the node was first seen as. */
  #firstRequest(node: number): number {
    const block = this.#trie.source[node] as number;
    const { firstBlock } = this.#blocks;
    let [low, high] = [0, this.#blocks.requestCount];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((firstBlock[middle] as number) <= block) low = middle;
      else high = middle;
    }
    return low;
  }
}
