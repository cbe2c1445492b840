/** How the simulated prompt cache behaves where services differ, or may. */
export interface CacheOptions {
  /** From when an entry can be read: the first byte of the answer that wrote it, that answer's end, or its start. */
  readonly visibility: 'first_byte' | 'completion' | 'allocation';
  /** Milliseconds more until it can be read, as of a cache that takes a while to be consistent. */
  readonly visibilityDelayMs: number;
  /** The share of reads that miss although the entry is there. */
  readonly lossy: number;
  /** What a hit keeps alive: all marked prefixes on its path, or just the one that was read. */
  readonly refresh: 'path' | 'exact';
  /** Whether batches and synchronous calls have caches of their own. */
  readonly batchCache: 'separate' | 'shared';
  /** Whether items of a native batch can read what items of the same batch wrote. */
  readonly intraBatch: 'isolated' | 'visible';
  /** Ids of models on which thinking and effort change only what follows the system prompt. */
  readonly thinkingSaltsMessages: readonly string[];
}

export const DEFAULT_CACHE: CacheOptions = {
  visibility: 'first_byte',
  visibilityDelayMs: 0,
  lossy: 0,
  refresh: 'path',
  batchCache: 'separate',
  intraBatch: 'isolated',
  thinkingSaltsMessages: [],
};
