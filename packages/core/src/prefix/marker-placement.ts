/** The mode `auto`: markers of our own, at the cut points worth caching, beside the client's. */
import { lookInSteps, type Steps } from '../steps.ts';
import { hangByPath, nearestKept, type ChosenPrefixes } from './chosen-prefixes.ts';
import type { ClientMarks } from './client-marks.ts';
import { findCutPoints, type CutPoints } from './cut-points.ts';
import { MARKER_SLOTS, type MarkDemands } from './mark-demands.ts';
import { chooseMarked, type CandidateTree } from './marker-choice.ts';
import type { AddedMarkers } from './placed-plan.ts';
import { blocksEach, type PromptBlocks } from './prompt-blocks.ts';
import { isMarkable, lastNode, type PromptTrie } from './prompt-trie.ts';
import { COMMON_RATES } from './token-rates.ts';

/** Positions that a marker looks back over, itself included. */
export const LOOKBACK_BLOCKS = 20;

/** The cut points worth caching, as many as fit under the limit of four markers a request. */
export function* choosePlaced(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  demands: MarkDemands,
  ttlCode: number,
  warm: Uint8Array | null,
): Steps<ChosenPrefixes> {
  const cut = yield* findCutPoints(trie, blocks, marks, demands, ttlCode, warm);
  const { tree, nodes } = yield* candidateTree(trie, blocks, marks, demands, cut, warm);
  const marked = yield* chooseMarked(tree, COMMON_RATES);
  const kept = new Uint8Array(trie.size);
  nodes.forEach((node, v) => (kept[node] = marked[v] as number));
  return yield* hangByPath(trie, blocks, kept, cut.ttl);
}

function* candidateTree(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  demands: MarkDemands,
  { worth, ttl }: CutPoints,
  warm: Uint8Array | null,
): Steps<{ readonly tree: CandidateTree; readonly nodes: Int32Array }> {
  const nearest = nearestKept(trie, worth);
  yield trie.size;
  const nodes = keptNodes(worth);
  const idOf = new Int32Array(trie.size);
  nodes.forEach((node, v) => (idOf[node] = v));
  const direct = new Uint32Array(nodes.length);
  const capacity = new Uint8Array(nodes.length).fill(MARKER_SLOTS);
  const isCounted = (node: number): boolean => demands.isForced(node) && worth[node] === 1;
  yield* tellFreeSlots(trie, blocks, marks, isCounted, (r, slots) => {
    const last = lastNode(trie, blocks, r);
    const candidate = last < 0 ? -1 : (nearest[last] as number);
    if (candidate < 0) return;
    const v = idOf[candidate] as number;
    direct[v] = (direct[v] as number) + 1;
    capacity[v] = Math.min(capacity[v] as number, slots);
  });
  const parent = new Int32Array(nodes.length);
  nodes.forEach((node, v) => {
    const above = trie.parent[node] as number;
    const candidate = above < 0 ? -1 : (nearest[above] as number);
    parent[v] = candidate < 0 ? -1 : (idOf[candidate] as number);
  });
  const tree: CandidateTree = {
    count: nodes.length,
    parent,
    tokens: Uint32Array.from(nodes, (node) => trie.tokens[node] as number),
    requests: Uint32Array.from(nodes, (node) => trie.requests[node] as number),
    ttl: Uint8Array.from(nodes, (node) => ttl[node] as number),
    direct,
    warm: Uint8Array.from(nodes, (node) => warm?.[node] ?? 0),
    forced: Uint8Array.from(nodes, (node) => (demands.isForced(node) ? 1 : 0)),
    capacity,
  };
  return { tree, nodes };
}

/** The kept nodes of a trie, in order. */
export function keptNodes(kept: Uint8Array): Int32Array {
  let count = 0;
  for (let node = 0; node < kept.length; node++) count += kept[node] as number;
  const nodes = new Int32Array(count);
  count = 0;
  for (let node = 0; node < kept.length; node++) if (kept[node] === 1) nodes[count++] = node;
  return nodes;
}

/** Tells of each request how many markers it may have at nodes that are counted, given the client's elsewhere. */
function* tellFreeSlots(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  isCounted: (node: number) => boolean,
  tell: (request: number, slots: number) => void,
): Steps<void> {
  const marked: number[] = [];
  yield* lookInSteps(blocks.requestCount, blocksEach(blocks), (r) => {
    marks.read(r, marked);
    let elsewhere = 0;
    for (const block of marked) {
      const node = trie.nodeOf[block] as number;
      if (node < 0 || !isCounted(node)) elsewhere += 1;
    }
    tell(r, Math.max(0, MARKER_SLOTS - elsewhere));
  });
}

/**
 * The markers to add, per node of the plan. Those on a path are on the nodes themselves, so each is found at once; where
 * two lie too far apart to be reached by looking back, and a slot is left, one between them makes what other batches
 * wrote there readable.
 *
 * `nodes` are the trie's ids of the plan's nodes.
 */
export function* placeMarkers(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  demands: MarkDemands,
  chosen: ChosenPrefixes,
  nodes: Int32Array,
): Steps<AddedMarkers> {
  const room = yield* roomAt(trie, blocks, marks, chosen);
  const first = new Uint32Array(nodes.length + 1);
  const block: number[] = [];
  const ttl: number[] = [];
  yield* lookInSteps(nodes.length, LOOKBACK_BLOCKS, (id) => {
    const node = nodes[id] as number;
    const free = room.get(node);
    if (free !== undefined) {
      const placed = markersOnPath(trie, blocks, demands, chosen, node, free);
      for (const marker of placed.toReversed()) {
        block.push(trie.depth[marker.node] as number);
        ttl.push(marker.ttl);
      }
    }
    first[id + 1] = block.length;
  });
  return { first, block: Uint32Array.from(block), ttl: Uint8Array.from(ttl) };
}

/** Per node at which requests are anchored, the markers that may be on their paths. */
function* roomAt(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  chosen: ChosenPrefixes,
): Steps<ReadonlyMap<number, number>> {
  const room = new Map<number, number>();
  const isCounted = (node: number): boolean => chosen.kept[node] === 1;
  yield* tellFreeSlots(trie, blocks, marks, isCounted, (r, slots) => {
    const anchor = chosen.anchor[r] as number;
    if (anchor >= 0) room.set(anchor, Math.min(room.get(anchor) ?? MARKER_SLOTS, slots));
  });
  return room;
}

interface NodeMarker {
  readonly node: number;
  readonly ttl: number;
}

/** Deepest first. */
function markersOnPath(
  trie: PromptTrie,
  blocks: PromptBlocks,
  demands: MarkDemands,
  chosen: ChosenPrefixes,
  anchor: number,
  room: number,
): NodeMarker[] {
  let free = room;
  for (let node = anchor; node >= 0; node = chosen.parent[node] as number) free -= 1;
  const markers: NodeMarker[] = [];
  for (let node = anchor; node >= 0; node = chosen.parent[node] as number) {
    const marker: NodeMarker = { node, ttl: chosen.ttl[node] as number };
    if (!demands.isForced(node)) markers.push(marker);
    const above = chosen.parent[node] as number;
    let from = marker;
    while (free > 0 && above >= 0 && distance(trie, above, from.node) >= LOOKBACK_BLOCKS) {
      const between = markerBetween(trie, blocks, demands, from);
      if (between === null) break;
      markers.push(between);
      from = between;
      free -= 1;
    }
  }
  return markers;
}

function distance(trie: PromptTrie, above: number, below: number): number {
  return (trie.depth[below] as number) - (trie.depth[above] as number);
}

/** The farthest block before a marker that it can still look back to and that can carry one itself. */
function markerBetween(
  trie: PromptTrie,
  blocks: PromptBlocks,
  demands: MarkDemands,
  below: NodeMarker,
): NodeMarker | null {
  let farthest: NodeMarker | null = null;
  let node = below.node;
  for (let back = 1; back < LOOKBACK_BLOCKS; back++) {
    node = trie.parent[node] as number;
    if (!isMarkable(trie, blocks, node) || demands.isTorn(node)) continue;
    // Where five minutes are demanded the cut point that ends the stretch lives as short, and so does all below it.
    farthest = { node, ttl: demands.demandedTtl(node) ?? below.ttl };
  }
  return farthest;
}
