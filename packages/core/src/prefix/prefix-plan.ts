/**
 * The prefixes of a batch that are worth caching, as a tree, and where each request hangs in it. Struct of arrays, since
 * a batch has up to 100,000 requests and the plan is kept as long as the batch runs. Node ids: parents before children.
 */
export interface PrefixPlan {
  readonly nodeCount: number;
  /** -1: top level. */
  readonly parent: Int32Array;
  /** Identity across batches; the model is in the salt. */
  readonly hash: Float64Array;
  /** Estimated tokens of the whole prefix. */
  readonly tokens: Uint32Array;
  /** Requests whose prompt begins with it. */
  readonly requests: Uint32Array;
  /** Position of its last block in its prompts, from 0: where its marker goes. */
  readonly block: Uint32Array;
  /** 0: five minutes, 1: one hour. */
  readonly ttl: Uint8Array;
  /** Which of `models`. */
  readonly model: Uint16Array;
  readonly models: readonly string[];
  readonly requestCount: number;
  /** Deepest worthwhile prefix of each request; -1: none, a filler. */
  readonly anchor: Int32Array;
  /** Estimated tokens after the anchor; of a filler, of its whole prompt. */
  readonly suffixTokens: Uint32Array;
}

/** What is done with `cache_control`: forwarded as the client set it, added where the plan proves it pays, taken out. */
export type MarkerMode = 'respect' | 'auto' | 'off';
