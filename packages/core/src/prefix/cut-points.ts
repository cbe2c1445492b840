import { lookInSteps, type Steps } from '../steps.ts';
import type { ClientMarks } from './client-marks.ts';
import type { PromptBlocks } from './prompt-blocks.ts';
import { isMarkable, type PromptTrie } from './prompt-trie.ts';
import type { MarkDemands } from './mark-demands.ts';
import { COMMON_RATES, TTL_CODES, worthwhileRequests } from './token-rates.ts';

/** Which prefixes are worth caching if nothing limits the number of markers, and for how long each should live. */
export interface CutPoints {
  /** Per node of the trie, 1: worth caching. */
  readonly worth: Uint8Array;
  readonly ttl: Uint8Array;
}

/**
 * A cut point is where the set of requests changes: the last block of a stretch that the same requests share. One is
 * worth caching when the model caches prefixes of its length and enough requests share it. Worth is closed under
 * ancestors but for those that are too short, since fewer requests share what is longer.
 *
 * With `demands`, markers have to be placed: a cut point moves to the nearest earlier block of its stretch that can carry
 * one, else it is dropped; and a prefix that every request marks by itself is cached in any case, so two already gain.
 * One that is warm gains from the first; what lies above it is read with it, and only written if it is cut as well.
 */
export function* findCutPoints(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  demands: MarkDemands | null,
  ttlCode: number,
  warm: Uint8Array | null,
): Steps<CutPoints> {
  const worth = new Uint8Array(trie.size);
  const canMark = (node: number): boolean =>
    demands === null || demands.isForced(node) || (isMarkable(trie, blocks, node) && !demands.isTorn(node));
  const isLongEnough = (node: number): boolean =>
    (trie.tokens[node] as number) >= marks.minimum(trie.model[node] as number);
  const inner = innerNodes(trie);
  yield trie.size;
  yield* lookInSteps(trie.size, 1, (node) => {
    if (warm?.[node] === 1 && canMark(node) && isLongEnough(node)) worth[node] = 1;
    if ((trie.requests[node] as number) < 2) return;
    if (demands?.isForced(node) === true) worth[node] = 1;
    if (inner[node] === 1) return;
    const place = placeInStretch(trie, node, canMark);
    if (place >= 0 && isLongEnough(place)) worth[place] = 1;
  });
  if (warm !== null) dropAboveWarm(trie, worth, demands, warm);
  yield trie.size;
  return dropTooFew(trie, worth, demands, ttlCode, warm);
}

/** A request that reads what is warm writes nothing above it, so that nobody else could count on that. */
function dropAboveWarm(trie: PromptTrie, worth: Uint8Array, demands: MarkDemands | null, warm: Uint8Array): void {
  const isAbove = new Uint8Array(trie.size);
  for (let node = trie.size - 1; node >= 0; node--) {
    const isWarm = warm[node] === 1 && worth[node] === 1;
    if (isAbove[node] === 1 && !isWarm && demands?.isForced(node) !== true) worth[node] = 0;
    const above = trie.parent[node] as number;
    if (above >= 0 && (isWarm || isAbove[node] === 1)) isAbove[above] = 1;
  }
}

/** Per node, 1: the same requests share a longer prefix. */
function innerNodes(trie: PromptTrie): Uint8Array {
  const inner = new Uint8Array(trie.size);
  for (let node = 0; node < trie.size; node++) {
    const above = trie.parent[node] as number;
    if (above >= 0 && trie.requests[above] === trie.requests[node]) inner[above] = 1;
  }
  return inner;
}

/** The deepest node from `cut` upwards that fits, among those that the same requests share; -1: none. */
function placeInStretch(trie: PromptTrie, cut: number, fits: (node: number) => boolean): number {
  let node = cut;
  while (!fits(node)) {
    const above = trie.parent[node] as number;
    if (above < 0 || trie.requests[above] !== trie.requests[cut]) return -1;
    node = above;
  }
  return node;
}

/** Settles how long each lives, from the top down, and drops what too few requests share for that. */
function dropTooFew(
  trie: PromptTrie,
  worth: Uint8Array,
  demands: MarkDemands | null,
  ttlCode: number,
  warm: Uint8Array | null,
): CutPoints {
  const fewest = [0, 1].map((code) => worthwhileRequests(COMMON_RATES, code));
  const ttl = new Uint8Array(trie.size);
  // The ttl of the nearest cut point at or above each node: after a 5-minute marker no 1-hour one may come.
  const above = new Uint8Array(trie.size);
  for (let node = 0; node < trie.size; node++) {
    const parent = trie.parent[node] as number;
    const inherited = parent < 0 ? ttlCode : Math.min(ttlCode, above[parent] as number);
    const code = demands?.demandedTtl(node) ?? inherited;
    const isWarm = warm?.[node] === 1 && code === TTL_CODES['1h'];
    const enough = isWarm ? 1 : demands?.isForced(node) === true ? 2 : (fewest[code] as number);
    if (worth[node] === 1 && (trie.requests[node] as number) < enough) worth[node] = 0;
    ttl[node] = code;
    above[node] = worth[node] === 1 ? code : parent < 0 ? ttlCode : (above[parent] as number);
  }
  return { worth, ttl };
}
