import type { WaveBatch } from '@batchwright/core';

/**
 * For each batch, which others of the plan must be over before it goes: those of whom its members read. They are all of
 * the wave before, so none of them waits for another.
 */
export function batchesBefore(batches: readonly WaveBatch[], leader: Int32Array): readonly (readonly number[])[] {
  const batchOf = new Uint32Array(leader.length);
  batches.forEach(({ requests }, batch) => {
    for (const request of requests) batchOf[request] = batch;
  });
  return batches.map(({ requests }) => {
    const before = new Set<number>();
    for (const request of requests) {
      const writer = leader[request] as number;
      if (writer !== -1) before.add(batchOf[writer] as number);
    }
    return [...before].sort((a, b) => a - b);
  });
}
