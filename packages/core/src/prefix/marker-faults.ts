/** Markers that do nothing, and markers that do nothing but cost: what can be told of them before a batch is run. */
import { ClientMarks } from './client-marks.ts';
import type { PlacedPlan } from './placed-plan.ts';
import type { PromptBlocks } from './prompt-blocks.ts';
import { growTrie, type PromptTrie } from './prompt-trie.ts';
import { RequestGroupBuilder, type RequestGroup } from './request-group.ts';

/** Requests of one model that share a prefix too short for it to cache. */
export interface ShortPrefix extends RequestGroup {
  readonly model: string;
  /** Of the longest such prefix. */
  readonly tokens: number;
  readonly minimum: number;
}

/** Requests that mark a block which no other request has. */
export interface LoneMarkers extends RequestGroup {
  /** What they write together, for nobody to read. */
  readonly tokens: number;
}

export interface MarkerFaults {
  readonly short: readonly ShortPrefix[];
  readonly lone: LoneMarkers;
}

/** Where nothing is marked, a prefix is worth a word when it is at least this part of what the model would cache. */
const NEARLY_LONG_ENOUGH = 0.5;

export function findMarkerFaults(
  blocks: PromptBlocks,
  plan: PlacedPlan,
  minimumTokens: (model: string) => number,
): MarkerFaults {
  const prompts = new SharedPrompts(blocks, minimumTokens);
  const short = new Map<number, { tokens: number; readonly requests: RequestGroupBuilder }>();
  const lone = new RequestGroupBuilder();
  let loneTokens = 0;
  for (let request = 0; request < blocks.requestCount; request++) {
    const tokens = prompts.shortPrefix(request);
    if (tokens > 0) {
      const model = blocks.model[request] as number;
      const found = short.get(model) ?? { tokens: 0, requests: new RequestGroupBuilder() };
      found.tokens = Math.max(found.tokens, tokens);
      found.requests.add(request);
      short.set(model, found);
    }
    const written = prompts.loneTokens(request, plan);
    if (written > 0) {
      lone.add(request);
      loneTokens += written;
    }
  }
  return {
    short: [...short].map(([model, { tokens, requests }]) => {
      const name = blocks.models[model] ?? '';
      return { model: name, tokens, minimum: minimumTokens(name), ...requests.group };
    }),
    lone: { tokens: loneTokens, ...lone.group },
  };
}

class SharedPrompts {
  readonly #blocks: PromptBlocks;
  readonly #marks: ClientMarks;
  readonly #trie: PromptTrie;
  readonly #marked: number[] = [];

  constructor(blocks: PromptBlocks, minimumTokens: (model: string) => number) {
    this.#blocks = blocks;
    this.#marks = new ClientMarks(blocks, minimumTokens);
    this.#trie = growTrie(blocks);
  }

  /** Tokens of what the request marks and shares with others, if none of that is long enough to be cached; else 0. */
  shortPrefix(request: number): number {
    const minimum = this.#marks.minimum(this.#blocks.model[request] as number);
    this.#marks.read(request, this.#marked);
    if (this.#marked.length === 0) {
      const tokens = this.#tokensOf(this.#lastShared(request));
      return tokens < minimum && tokens >= minimum * NEARLY_LONG_ENOUGH ? tokens : 0;
    }
    const tokens = this.#tokensOf(this.#marked.findLast((block) => this.#isShared(block)) ?? -1);
    return tokens < minimum ? tokens : 0;
  }

  /** Tokens that the request writes beyond its anchor, up to a block that is its own. */
  loneTokens(request: number, plan: PlacedPlan): number {
    this.#marks.readEffective(request, this.#marked);
    const last = this.#marked.at(-1) ?? -1;
    if (last < 0 || this.#isShared(last)) return 0;
    const anchor = plan.anchor[request] as number;
    return this.#tokensOf(last) - (anchor < 0 ? 0 : (plan.tokens[anchor] as number));
  }

  /** The last block up to which another request's prompt is the same; -1: none. */
  #lastShared(request: number): number {
    let block = this.#blocks.firstBlock[request] as number;
    const end = this.#blocks.firstBlock[request + 1] as number;
    const first = block;
    while (block < end && this.#isShared(block)) block++;
    return block === first ? -1 : block - 1;
  }

  #isShared(block: number): boolean {
    const node = this.#trie.nodeOf[block] as number;
    return node >= 0 && (this.#trie.requests[node] as number) > 1;
  }

  #tokensOf(block: number): number {
    return block < 0 ? 0 : (this.#blocks.tokens[block] as number);
  }
}
