/** What intake notes of the prompts of a batch: enough to find what they share, and nothing of what they say. */

/** The blocks of many prompts, in the order a prompt is rendered: tools, system, messages. */
export interface PromptBlocks {
  readonly requestCount: number;
  /** Blocks of request r are firstBlock[r] … firstBlock[r+1]-1. Length requestCount + 1. */
  readonly firstBlock: Uint32Array;
  /**
   * 53-bit-safe identity of the prompt up to and including the block: chained over content, roles, tiers and salts;
   * `cache_control` is no part of it.
   */
  readonly hash: Float64Array;
  /** Estimated tokens of the prompt up to and including the block. */
  readonly tokens: Uint32Array;
  /** Per block, see BLOCK_TRAITS: bits for a 5m marker, a 1h marker, and "may carry a marker". */
  readonly traits: Uint8Array;
  /** Per request: which of `models`. */
  readonly model: Uint16Array;
  readonly models: readonly string[];
}

/** How many blocks a prompt has on average, at least one: what looking at each prompt's blocks costs. */
export function blocksEach({ requestCount, firstBlock }: PromptBlocks): number {
  return Math.max(1, (firstBlock[requestCount] ?? 0) / Math.max(1, requestCount));
}

/** Bits of `PromptBlocks.traits`. A top-level `cache_control` is a marker on the last markable block. */
export const BLOCK_TRAITS = { marked5m: 1, marked1h: 2, markable: 4 } as const;
