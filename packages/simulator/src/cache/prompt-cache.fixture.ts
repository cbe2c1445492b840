import type { CacheMarker } from '@batchwright/core';
import type { CacheRequest } from './prompt-cache.ts';

/** For tests: a prompt of blocks given as name, tokens and marker; equal names in equal order are equal prefixes. */
export function promptOf(
  blocks: readonly (readonly [name: string, tokens: number, ttl?: CacheMarker['ttl'] | undefined])[],
  changes: Partial<CacheRequest> = {},
): CacheRequest {
  let total = 0;
  let path = '';
  return {
    scope: 'a',
    batch: null,
    minimumTokens: 1024,
    hashes: blocks.map(([name]) => numberOf((path += `/${name}`))),
    tokens: blocks.map(([, tokens]) => (total += tokens)),
    markers: blocks.flatMap(([, , ttl], block) => (ttl === undefined ? [] : [{ block, ttl }])),
    ...changes,
  };
}

const numbers = new Map<string, number>();

/** A path's own number: no two paths share one, as no two hashes would. */
function numberOf(path: string): number {
  const known = numbers.get(path) ?? numbers.size + 1;
  numbers.set(path, known);
  return known;
}
