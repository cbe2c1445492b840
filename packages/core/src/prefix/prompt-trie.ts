import { finishSteps, type Steps } from '../steps.ts';
import { BLOCK_TRAITS, type PromptBlocks } from './prompt-blocks.ts';

/**
 * Every prefix of every prompt, once: a node per distinct block position. Node ids: parents before children, in order of
 * first appearance. It lives only while a plan is made.
 */
export interface PromptTrie {
  readonly size: number;
  /** -1: the first block of its prompts. */
  readonly parent: Int32Array;
  /** Position of the block in its prompts, from 0. */
  readonly depth: Uint32Array;
  /** Estimated tokens up to and including the block; never less than the parent's. */
  readonly tokens: Uint32Array;
  /** Requests whose prompt begins with it. */
  readonly requests: Uint32Array;
  /** The block that the node was first seen as. */
  readonly source: Uint32Array;
  /** Which of the blocks' `models`. */
  readonly model: Uint16Array;
  /** Per block, its node. -1 from where an identity occurs under two parents: see `growTrie`. */
  readonly nodeOf: Int32Array;
}

/** The trie of all prompts, made at once. */
export function growTrie(blocks: PromptBlocks): PromptTrie {
  return finishSteps(growTrieInSteps(blocks));
}

/** Blocks looked at in one step; each costs a random access or two. */
const STEP_BLOCKS = 8192;

/**
 * Walks all blocks once; linear in their number, without recursion.
 *
 * Chained identities name their whole past, so an identity under a second parent is a collision of hashes. The rest of
 * such a prompt is left out, which makes it a suffix of its own: it loses a saving and mixes up nothing.
 */
export function* growTrieInSteps(blocks: PromptBlocks): Steps<PromptTrie> {
  const capacity = blocks.firstBlock[blocks.requestCount] ?? 0;
  const trie = emptyTrie(capacity);
  const index = new HashIndex(blocks.hash, trie.source, capacity);
  let size = 0;
  let looked = 0;
  for (let r = 0; r < blocks.requestCount; r++) {
    const end = blocks.firstBlock[r + 1] as number;
    let above = -1;
    for (let block = blocks.firstBlock[r] as number; block < end; block++) {
      const node = index.findOrAdd(block, size);
      if (node === size) addNode(trie, size++, above, block, blocks, r);
      else if (trie.parent[node] !== above) break;
      trie.requests[node] = (trie.requests[node] as number) + 1;
      trie.nodeOf[block] = node;
      above = node;
    }
    if (end - looked < STEP_BLOCKS) continue;
    yield end - looked;
    looked = end;
  }
  return { ...trie, size };
}

/**
 * Whether no two prompts begin with the same block, so that none of them shares a prefix: then a plan needs no trie. Of
 * prompts that share anything it mostly looks at a few.
 */
export function* areAllApart(blocks: PromptBlocks): Steps<boolean> {
  // A prompt's first block is its node, numbered as its request is.
  const index = new HashIndex(blocks.hash, blocks.firstBlock, blocks.requestCount);
  let looked = 0;
  for (let r = 0; r < blocks.requestCount; r++) {
    const first = blocks.firstBlock[r] as number;
    if (first !== blocks.firstBlock[r + 1] && index.findOrAdd(first, r) !== r) return false;
    if (r - looked < STEP_BLOCKS) continue;
    yield r - looked;
    looked = r;
  }
  return true;
}

/** The deepest node of a request, or -1. */
export function lastNode(trie: PromptTrie, blocks: PromptBlocks, request: number): number {
  const first = blocks.firstBlock[request] as number;
  for (let block = (blocks.firstBlock[request + 1] as number) - 1; block >= first; block--) {
    const node = trie.nodeOf[block] as number;
    if (node >= 0) return node;
  }
  return -1;
}

export function isMarkable(trie: PromptTrie, blocks: PromptBlocks, node: number): boolean {
  return ((blocks.traits[trie.source[node] as number] as number) & BLOCK_TRAITS.markable) !== 0;
}

/** Per node, 1: its identity is one of those. */
export function warmNodes(trie: PromptTrie, blocks: PromptBlocks, identities: ReadonlySet<number>): Uint8Array {
  const warm = new Uint8Array(trie.size);
  for (let node = 0; node < trie.size; node++) {
    if (identities.has(blocks.hash[trie.source[node] as number] as number)) warm[node] = 1;
  }
  return warm;
}

/** Room for every block to be new; pages that are not written to are not taken. */
function emptyTrie(capacity: number): Omit<PromptTrie, 'size'> {
  return {
    parent: new Int32Array(capacity),
    depth: new Uint32Array(capacity),
    tokens: new Uint32Array(capacity),
    requests: new Uint32Array(capacity),
    source: new Uint32Array(capacity),
    model: new Uint16Array(capacity),
    nodeOf: new Int32Array(capacity).fill(-1),
  };
}

function addNode(
  trie: Omit<PromptTrie, 'size'>,
  node: number,
  above: number,
  block: number,
  blocks: PromptBlocks,
  request: number,
): void {
  trie.parent[node] = above;
  trie.depth[node] = above < 0 ? 0 : (trie.depth[above] as number) + 1;
  // Estimates of one block may differ by its spelling, so two prompts may disagree; a segment is never negative.
  trie.tokens[node] = Math.max(blocks.tokens[block] as number, above < 0 ? 0 : (trie.tokens[above] as number));
  trie.source[node] = block;
  trie.model[node] = blocks.model[request] as number;
}

/** From identity to node: open addressing over node ids, half empty at least, so that a look-up is about one probe. */
class HashIndex {
  readonly #hash: Float64Array;
  readonly #source: Uint32Array;
  /** Node id + 1; 0 is free. */
  readonly #places: Int32Array;
  readonly #mask: number;

  constructor(hash: Float64Array, source: Uint32Array, capacity: number) {
    const bits = Math.max(4, Math.ceil(Math.log2(Math.max(1, capacity) * 2)));
    this.#hash = hash;
    this.#source = source;
    this.#places = new Int32Array(2 ** bits);
    this.#mask = 2 ** bits - 1;
  }

  /** The node that has the block's identity; `fresh`, which the caller then adds, if there is none. */
  findOrAdd(block: number, fresh: number): number {
    const hash = this.#hash[block] as number;
    let place = spread(hash) & this.#mask;
    for (let node = this.#places[place] as number; node !== 0; node = this.#places[place] as number) {
      if (this.#hash[this.#source[node - 1] as number] === hash) return node - 1;
      place = (place + 1) & this.#mask;
    }
    this.#places[place] = fresh + 1;
    return fresh;
  }
}

/** Both halves of the identity have a say, so that small numbers spread as well as hashes do. */
function spread(hash: number): number {
  const mixed = Math.imul(hash | 0, 0x9e3779b1) ^ Math.imul((hash / 0x1_0000_0000) | 0, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
