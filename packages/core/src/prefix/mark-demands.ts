import { lookInSteps, type Steps } from '../steps.ts';
import type { ClientMarks } from './client-marks.ts';
import { blocksEach, type PromptBlocks } from './prompt-blocks.ts';
import type { PromptTrie } from './prompt-trie.ts';
import { TTL_CODES } from './token-rates.ts';

/** Markers a request may have. */
export const MARKER_SLOTS = 4;

/** Some request has a 1-hour marker here or later: what is placed here must live an hour. */
const NEEDS_LONG = 1;
/** Some request has a 5-minute marker here or earlier: what is placed here must live five minutes. */
const NEEDS_SHORT = 2;

/**
 * What the client's markers demand of those that are placed beside them. 1-hour markers must come before 5-minute ones
 * in every request, and a node has one ttl for all of its requests.
 */
export class MarkDemands {
  readonly #trie: PromptTrie;
  readonly #needs: Uint8Array;
  /** Per node, 1: all of its requests mark it themselves, so that it takes no free slot. */
  readonly #forced: Uint8Array;

  private constructor(trie: PromptTrie, marks: ClientMarks) {
    this.#trie = trie;
    this.#needs = new Uint8Array(marks.any ? trie.size : 0);
    this.#forced = new Uint8Array(marks.any ? trie.size : 0);
  }

  static *of(trie: PromptTrie, blocks: PromptBlocks, marks: ClientMarks): Steps<MarkDemands> {
    const demands = new MarkDemands(trie, marks);
    if (!marks.any) return demands;
    const marking = new Uint32Array(trie.size);
    const marked: number[] = [];
    yield* lookInSteps(blocks.requestCount, blocksEach(blocks), (r) => {
      marks.read(r, marked);
      for (const block of marked) {
        const node = trie.nodeOf[block] as number;
        if (node >= 0) marking[node] = (marking[node] as number) + 1;
      }
      demands.#noteNeeds(blocks, marks, r, marked);
    });
    demands.#noteForced(marking, marks);
    yield trie.size;
    return demands;
  }

  isForced(node: number): boolean {
    return this.#forced[node] === 1;
  }

  /** Requests disagree about how long an entry here would have to live, so no marker can be placed for all. */
  isTorn(node: number): boolean {
    return this.#needs[node] === (NEEDS_LONG | NEEDS_SHORT);
  }

  /** The ttl an entry here must have, or null. Where all mark it themselves but differ, the shorter can be counted on. */
  demandedTtl(node: number): number | null {
    const needs = this.#needs[node] ?? 0;
    if ((needs & NEEDS_SHORT) !== 0) return TTL_CODES['5m'];
    return (needs & NEEDS_LONG) !== 0 ? TTL_CODES['1h'] : null;
  }

  #noteNeeds(blocks: PromptBlocks, marks: ClientMarks, request: number, marked: readonly number[]): void {
    let lastLong = -1;
    let firstShort = Infinity;
    for (const block of marked) {
      if (marks.isLong(block)) lastLong = block;
      else firstShort = Math.min(firstShort, block);
    }
    const end = blocks.firstBlock[request + 1] as number;
    for (let block = blocks.firstBlock[request] as number; block < end; block++) {
      const node = this.#trie.nodeOf[block] as number;
      if (node < 0) return;
      const needs = (block <= lastLong ? NEEDS_LONG : 0) | (block >= firstShort ? NEEDS_SHORT : 0);
      this.#needs[node] = (this.#needs[node] as number) | needs;
    }
  }

  /** No request may have more than four; where a client sets more, its calls fail, and the rest is not counted on. */
  #noteForced(marking: Uint32Array, marks: ClientMarks): void {
    const forcedAbove = new Uint8Array(this.#trie.size);
    for (let node = 0; node < this.#trie.size; node++) {
      const parent = this.#trie.parent[node] as number;
      const above = parent < 0 ? 0 : (forcedAbove[parent] as number);
      const long = (this.#trie.tokens[node] as number) >= marks.minimum(this.#trie.model[node] as number);
      const shared = (this.#trie.requests[node] as number) > 1 && marking[node] === this.#trie.requests[node];
      this.#forced[node] = shared && long && above < MARKER_SLOTS ? 1 : 0;
      forcedAbove[node] = above + (this.#forced[node] as number);
    }
  }
}
