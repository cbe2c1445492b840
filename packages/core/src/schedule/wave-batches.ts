import { packBatches, type Allowance, type Capacity } from './batch-packing.ts';
import { GroupOrder, type RequestTree } from './group-order.ts';

/** What a native batch may hold. */
export interface BatchLimits {
  readonly maxRequests: number;
  /** And how many bytes and tokens each request takes of how many; no bound if absent. */
  readonly maxBytes?: Allowance;
  readonly maxTokens?: Allowance;
  /** Requests to keep together where they fit; in the order they came if absent. */
  readonly groups?: RequestTree;
}

/** Requests of one wave that are sent as one native batch. */
export interface WaveBatch {
  readonly wave: number;
  /** Whether the next wave waits for it: it has the leaders, and nobody else, so that it is over soon. */
  readonly isLeading: boolean;
  /** In the order they were submitted. */
  readonly requests: Uint32Array;
}

/** Cuts waves into native batches, the leaders of a wave apart from the rest of it and before. SPEC.md V8–V9. */
export function cutBatches(wave: Uint32Array, isLeader: Uint8Array, limits: BatchLimits): WaveBatch[] {
  const groups = limits.groups === undefined ? null : new GroupOrder(limits.groups);
  const allowances = [limits.maxBytes, limits.maxTokens].filter((allowance) => allowance !== undefined);
  const capacity: Capacity = { requests: limits.maxRequests, allowances };
  const batches: WaveBatch[] = [];
  linesOf(wave, isLeader).forEach((requests, line) => {
    const kind = { wave: line >>> 1, isLeading: line % 2 === 0 };
    for (const part of packBatches(requests, capacity, groups)) batches.push({ ...kind, requests: part });
  });
  return batches;
}

/** Two for each wave: its leaders, and the rest of it. Either may be empty. */
function linesOf(wave: Uint32Array, isLeader: Uint8Array): readonly Uint32Array[] {
  const lineOf = (request: number): number => 2 * (wave[request] as number) + (isLeader[request] === 1 ? 0 : 1);
  const counts: number[] = [];
  for (let request = 0; request < wave.length; request++) {
    const line = lineOf(request);
    while (counts.length <= line) counts.push(0);
    counts[line] = (counts[line] as number) + 1;
  }
  const lines = counts.map((count) => new Uint32Array(count));
  const filled = new Uint32Array(lines.length);
  for (let request = 0; request < wave.length; request++) {
    const line = lineOf(request);
    const at = filled[line] as number;
    (lines[line] as Uint32Array)[at] = request;
    filled[line] = at + 1;
  }
  return lines;
}
