/**
 * The mode `respect`: only the client's markers write, and a request reads what lies up to 19 blocks before one of its
 * own. Where all requests of a group are marked alike, the plan is the tree of their markers. Where they are not, a
 * request may read what it does not write; `reach` says which of them can go first.
 */
import { lookInSteps, type Steps } from '../steps.ts';
import type { ChosenPrefixes } from './chosen-prefixes.ts';
import type { ClientMarks } from './client-marks.ts';
import { LOOKBACK_BLOCKS } from './marker-placement.ts';
import { blocksEach, type PromptBlocks } from './prompt-blocks.ts';
import type { PromptTrie } from './prompt-trie.ts';
import { TTL_CODES } from './token-rates.ts';

const WRITTEN = 1;
const WRITTEN_SHORT = 2;

/** The marked positions that two or more requests write or read. Whoever marks pays, so two gain at either ttl. */
export function chooseMarkedByClient(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
): Steps<ChosenPrefixes> {
  return new ClientPlacement(trie, blocks, marks).choose();
}

class ClientPlacement {
  readonly #trie: PromptTrie;
  readonly #blocks: PromptBlocks;
  readonly #marks: ClientMarks;
  /** Per node: WRITTEN where some request marks it, WRITTEN_SHORT where one does so for 5 minutes. */
  readonly #entries: Uint8Array;
  readonly #kept: Uint8Array;
  readonly #requests: Uint32Array;
  readonly #parent: Int32Array;
  readonly #anchor: Int32Array;
  /** See `PlacedPlan.reach`. */
  readonly #reach: Uint8Array;
  readonly #marked: number[] = [];

  constructor(trie: PromptTrie, blocks: PromptBlocks, marks: ClientMarks) {
    this.#trie = trie;
    this.#blocks = blocks;
    this.#marks = marks;
    this.#entries = new Uint8Array(trie.size);
    this.#kept = new Uint8Array(trie.size);
    this.#requests = new Uint32Array(trie.size);
    this.#parent = new Int32Array(trie.size);
    this.#anchor = new Int32Array(blocks.requestCount).fill(-1);
    this.#reach = new Uint8Array(blocks.requestCount);
  }

  *choose(): Steps<ChosenPrefixes> {
    yield* this.#readMarks((_, marked) => this.#noteWrites(marked));
    yield* this.#readMarks((_, marked) => this.#countReaders(marked));
    this.#keepShared();
    yield* this.#hangAll();
    if (this.#dropUnwritten()) yield* this.#hangAll();
    const ttl = this.#entries.map((entry) => ((entry & WRITTEN_SHORT) !== 0 ? TTL_CODES['5m'] : TTL_CODES['1h']));
    return {
      kept: this.#kept,
      parent: this.#parent,
      requests: this.#requests,
      ttl,
      anchor: this.#anchor,
      reach: this.#isWhole() ? null : this.#reach,
    };
  }

  *#readMarks(tell: (request: number, marked: readonly number[]) => void): Steps<void> {
    yield* lookInSteps(this.#blocks.requestCount, blocksEach(this.#blocks), (r) => {
      this.#marks.readEffective(r, this.#marked);
      tell(r, this.#marked);
    });
  }

  #noteWrites(marked: readonly number[]): void {
    for (const block of marked) {
      const node = this.#nodeOf(block);
      if (node < 0) return;
      const written = this.#marks.isLong(block) ? WRITTEN : WRITTEN | WRITTEN_SHORT;
      this.#entries[node] = (this.#entries[node] as number) | written;
    }
  }

  /** Windows of near markers overlap; what two of them reach is counted once. */
  #countReaders(marked: readonly number[]): void {
    let counted = -1;
    for (const block of marked) {
      let node = this.#nodeOf(block);
      for (let back = 0; back < LOOKBACK_BLOCKS && node > counted; back++) {
        if (this.#entries[node] !== 0) this.#requests[node] = (this.#requests[node] as number) + 1;
        node = this.#trie.parent[node] as number;
      }
      counted = this.#nodeOf(block);
    }
  }

  #keepShared(): void {
    this.#requests.forEach((requests, node) => {
      if (requests >= 2) this.#kept[node] = 1;
    });
  }

  *#hangAll(): Steps<void> {
    this.#parent.fill(-1);
    this.#anchor.fill(-1);
    yield* this.#readMarks((r, marked) => this.#hang(r, marked));
    yield* this.#readMarks((r, marked) => this.#measureReach(r, marked));
  }

  /** Finds the request's anchor, and for each node it writes the deepest one that it reads before. */
  #hang(request: number, marked: readonly number[]): void {
    let below = -1;
    for (let i = marked.length - 1; i >= 0; i--) {
      const node = this.#nodeOf(marked[i] as number);
      if (node < 0) continue;
      const readable = this.#kept[node] === 1 ? node : this.#readableAbove(node);
      if (readable < 0) continue;
      if (this.#anchor[request] === -1) this.#anchor[request] = readable;
      if (below >= 0) this.#hangBelow(below, readable);
      below = -1;
      if (readable !== node) continue;
      // What this marker itself reaches comes first; else the next marker before it is where reading begins.
      const near = this.#readableAbove(node);
      if (near >= 0) this.#hangBelow(node, near);
      else below = node;
    }
  }

  /** Of several readers that reach differently far, the one that reaches deepest decides. */
  #hangBelow(node: number, above: number): void {
    this.#parent[node] = Math.max(this.#parent[node] as number, above);
  }

  /** The deepest kept node that a marker on `node` looks back to, itself aside; -1: none. */
  #readableAbove(node: number): number {
    let above = node;
    for (let back = 1; back < LOOKBACK_BLOCKS; back++) {
      above = this.#trie.parent[above] as number;
      if (above < 0 || this.#kept[above] === 1) return above;
    }
    return -1;
  }

  /** Per request, how many nodes from its anchor upwards it marks. */
  #measureReach(request: number, marked: readonly number[]): void {
    let reach = 0;
    let node = this.#anchor[request] as number;
    while (node >= 0 && reach < FARTHEST && this.#isMarked(marked, node)) {
      reach += 1;
      node = this.#parent[node] as number;
    }
    this.#reach[request] = reach;
  }

  /**
   * A node stays only if some request that is anchored at or below it writes it together with all between: otherwise
   * nobody could go first. What stays keeps its writers, since all between stay too; so once is enough.
   */
  #dropUnwritten(): boolean {
    const written = new Uint8Array(this.#trie.size);
    this.#reach.forEach((reach, r) => {
      let node = this.#anchor[r] as number;
      for (let i = 0; i < reach; i++) {
        written[node] = 1;
        node = this.#parent[node] as number;
      }
    });
    const before = this.#kept.slice();
    this.#kept.set(before.map((kept, node) => kept & (written[node] as number)));
    return this.#kept.some((kept, node) => kept !== before[node]);
  }

  #isWhole(): boolean {
    return this.#reach.every((reach, r) => {
      let node = this.#anchor[r] as number;
      for (let i = 0; i < reach; i++) node = this.#parent[node] as number;
      return node < 0;
    });
  }

  #isMarked(marked: readonly number[], node: number): boolean {
    return marked.some((block) => this.#nodeOf(block) === node);
  }

  #nodeOf(block: number): number {
    return this.#trie.nodeOf[block] as number;
  }
}

const FARTHEST = 255;
