/** What a native batch may hold. */
export interface BatchLimits {
  readonly maxRequests: number;
  /** And how many bytes each request takes of how many; no bound if absent. */
  readonly maxBytes?: { readonly limit: number; readonly ofRequest: ArrayLike<number> };
}

/** Requests of one wave that are sent as one native batch. */
export interface WaveBatch {
  readonly wave: number;
  /** Whether the next wave waits for it: it has the leaders, and nobody else, so that it is over soon. */
  readonly isLeading: boolean;
  /** In the order they were submitted. */
  readonly requests: Uint32Array;
}

/** Cuts waves into native batches, the leaders of a wave apart from the rest of it and before. */
export function cutBatches(wave: Uint32Array, isLeader: Uint8Array, limits: BatchLimits): WaveBatch[] {
  const lines: number[][] = [];
  for (let request = 0; request < wave.length; request++) {
    const line = 2 * (wave[request] as number) + (isLeader[request] === 1 ? 0 : 1);
    (lines[line] ??= []).push(request);
  }
  const batches: WaveBatch[] = [];
  // `lines` may have holes: a wave without leaders, or with nobody else.
  lines.forEach((requests, line) => {
    const kind = { wave: line >>> 1, isLeading: line % 2 === 0 };
    for (const part of partsOf(requests, limits)) batches.push({ ...kind, requests: part });
  });
  return batches;
}

/** A request that is larger than a batch may be has one of its own: the upstream will say what is wrong with it. */
function partsOf(requests: readonly number[], { maxRequests, maxBytes }: BatchLimits): Uint32Array[] {
  const parts: Uint32Array[] = [];
  let from = 0;
  let bytes = 0;
  requests.forEach((request, i) => {
    const own = maxBytes?.ofRequest[request] ?? 0;
    const isFull = i - from >= maxRequests || (maxBytes !== undefined && bytes + own > maxBytes.limit);
    if (isFull && i > from) {
      parts.push(Uint32Array.from(requests.slice(from, i)));
      from = i;
      bytes = 0;
    }
    bytes += own;
  });
  if (from < requests.length) parts.push(Uint32Array.from(requests.slice(from)));
  return parts;
}
