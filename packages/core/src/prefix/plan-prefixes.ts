/**
 * Plans what a batch caches: one trie of all its prompts, of which the marker mode keeps the prefixes that are worth it.
 *
 * Invariant: if each node is written once by a request below it and every other request reads its anchor, then the
 * tokens written are Σ (T(v) − T(parent(v))), which `lowerBound` proves to be the fewest where markers do not limit.
 */
import { finishSteps, lookInSteps, type Steps } from '../steps.ts';
import { choosePlaced, keptNodes, placeMarkers } from './marker-placement.ts';
import { hangByPath, type ChosenPrefixes } from './chosen-prefixes.ts';
import { chooseMarkedByClient } from './client-placement.ts';
import { ClientMarks } from './client-marks.ts';
import { findCutPoints } from './cut-points.ts';
import { MarkDemands } from './mark-demands.ts';
import type { AddedMarkers, PlacedPlan } from './placed-plan.ts';
import type { MarkerMode } from './prefix-plan.ts';
import { blocksEach, type PromptBlocks } from './prompt-blocks.ts';
import { areAllApart, growTrie, growTrieInSteps, warmNodes, type PromptTrie } from './prompt-trie.ts';
import { TTL_CODES, type MarkerTtl } from './token-rates.ts';
import { sharesNothing } from './unplanned.ts';

/** What a plan depends on beside the prompts. */
export interface PlanOptions {
  readonly markers: MarkerMode;
  /** Whether the upstream caches what is marked, or by itself. */
  readonly profile: 'required' | 'ignored';
  /** Fewest tokens a prefix must have for the model to cache it. */
  readonly minimumTokens: (model: string) => number;
  /** How long entries at markers of our own shall live, unless the client's demand otherwise; 5m if absent. */
  readonly ttlClass?: MarkerTtl;
  /** Prefixes, by identity, that are cached for an hour already: worth reading from one request on. */
  readonly warm?: ReadonlySet<number>;
}

/** The prefixes worth caching under a marker mode, where each request hangs, and the markers to add. SPEC.md T1–T15. */
export function planPrefixes(blocks: PromptBlocks, options: PlanOptions): PlacedPlan {
  return finishSteps(planInSteps(blocks, options));
}

/** The same in steps, for batches of any size beside which others must be served. */
export function* planInSteps(blocks: PromptBlocks, options: PlanOptions): Steps<PlacedPlan> {
  const marks = new ClientMarks(blocks, options.minimumTokens);
  const isUnmarked = options.markers === 'respect' && options.profile === 'required' && !marks.any;
  if (options.markers === 'off' || isUnmarked) {
    return yield* planOf(blocks, { trie: NO_TRIE, chosen: fillersOnly(blocks.requestCount) });
  }
  const { warm: identities } = options;
  const isCold = identities === undefined || identities.size === 0;
  if (isCold && (yield* areAllApart(blocks))) {
    const chosen = fillersOnly(blocks.requestCount);
    if (options.profile === 'ignored') return yield* planOf(blocks, { trie: NO_TRIE, chosen });
    const unshared = yield* unsharedWrites(NO_TRIE, blocks, marks, chosen);
    return yield* planOf(blocks, { trie: NO_TRIE, chosen, unshared });
  }
  const trie = yield* growTrieInSteps(blocks);
  const ttlCode = TTL_CODES[options.ttlClass ?? '5m'];
  if (options.profile === 'ignored') {
    const { worth, ttl } = yield* findCutPoints(trie, blocks, marks, null, ttlCode, null);
    return yield* planOf(blocks, { trie, chosen: yield* hangByPath(trie, blocks, worth, ttl) });
  }
  if (options.markers === 'respect') {
    const chosen = yield* chooseMarkedByClient(trie, blocks, marks);
    const unshared = yield* unsharedWrites(trie, blocks, marks, chosen);
    return yield* planOf(blocks, { trie, chosen, unshared });
  }
  const demands = yield* MarkDemands.of(trie, blocks, marks);
  const warm = isCold ? null : warmNodes(trie, blocks, identities);
  const chosen = yield* choosePlaced(trie, blocks, marks, demands, ttlCode, warm);
  const added = yield* placeMarkers(trie, blocks, marks, demands, chosen, keptNodes(chosen.kept));
  const unshared = yield* unsharedWrites(trie, blocks, marks, chosen);
  return yield* planOf(blocks, { trie, chosen, added, unshared });
}

interface Decisions {
  readonly trie: PromptTrie;
  readonly chosen: ChosenPrefixes;
  readonly added?: AddedMarkers;
  readonly unshared?: PlacedPlan['unshared'];
}

const NO_TRIE = growTrie({
  requestCount: 0,
  firstBlock: new Uint32Array(1),
  hash: new Float64Array(0),
  tokens: new Uint32Array(0),
  traits: new Uint8Array(0),
  model: new Uint16Array(0),
  models: [],
});

function fillersOnly(requestCount: number): ChosenPrefixes {
  const none = new Uint8Array(0);
  return {
    kept: none,
    parent: new Int32Array(0),
    requests: new Uint32Array(0),
    ttl: none,
    anchor: sharesNothing(requestCount).anchor,
    reach: null,
  };
}

const NOTHING_UNSHARED: PlacedPlan['unshared'] = { written5m: 0, written1h: 0 };

/** Renumbers what was kept, the anchors where they lie, and lets go of the trie. */
function* planOf(blocks: PromptBlocks, { trie, chosen, added, unshared }: Decisions): Steps<PlacedPlan> {
  const nodes = keptNodes(chosen.kept);
  const idOf = new Int32Array(trie.size);
  nodes.forEach((node, id) => (idOf[node] = id));
  const numbered = (node: number): number => (node < 0 ? -1 : (idOf[node] as number));
  const tokens = Uint32Array.from(nodes, (node) => trie.tokens[node] as number);
  yield trie.size;
  const { anchor } = chosen;
  const suffixTokens = new Uint32Array(blocks.requestCount);
  yield* lookInSteps(blocks.requestCount, 1, (r) => {
    const node = numbered(anchor[r] as number);
    const prefix = node < 0 ? 0 : (tokens[node] as number);
    // Without one there is nothing to write: the array may be others' as well.
    if (node >= 0) anchor[r] = node;
    suffixTokens[r] = Math.max(0, promptTokens(blocks, r) - prefix);
  });
  return {
    nodeCount: nodes.length,
    parent: Int32Array.from(nodes, (node) => numbered(chosen.parent[node] as number)),
    hash: Float64Array.from(nodes, (node) => blocks.hash[trie.source[node] as number] as number),
    tokens,
    requests: Uint32Array.from(nodes, (node) => chosen.requests[node] as number),
    block: Uint32Array.from(nodes, (node) => trie.depth[node] as number),
    ttl: Uint8Array.from(nodes, (node) => chosen.ttl[node] as number),
    model: Uint16Array.from(nodes, (node) => trie.model[node] as number),
    models: blocks.models,
    requestCount: blocks.requestCount,
    anchor,
    suffixTokens,
    reach: chosen.reach,
    added: added ?? noneAdded(nodes.length),
    unshared: unshared ?? NOTHING_UNSHARED,
  };
}

function promptTokens(blocks: PromptBlocks, request: number): number {
  const end = blocks.firstBlock[request + 1] as number;
  return end === blocks.firstBlock[request] ? 0 : (blocks.tokens[end - 1] as number);
}

/** What the client's markers behind the anchors write: to the last 1-hour one for an hour, from there for 5 minutes. */
function* unsharedWrites(
  trie: PromptTrie,
  blocks: PromptBlocks,
  marks: ClientMarks,
  chosen: ChosenPrefixes,
): Steps<PlacedPlan['unshared']> {
  let [written5m, written1h] = [0, 0];
  const marked: number[] = [];
  yield* lookInSteps(marks.any ? blocks.requestCount : 0, blocksEach(blocks), (r) => {
    marks.readEffective(r, marked);
    const anchor = chosen.anchor[r] as number;
    let long = anchor < 0 ? 0 : (trie.tokens[anchor] as number);
    const start = long;
    let end = long;
    for (const block of marked) {
      end = Math.max(end, blocks.tokens[block] as number);
      if (marks.isLong(block)) long = end;
    }
    written1h += long - start;
    written5m += end - long;
  });
  return { written5m, written1h };
}

function noneAdded(nodeCount: number): AddedMarkers {
  return { first: new Uint32Array(nodeCount + 1), block: new Uint32Array(0), ttl: new Uint8Array(0) };
}
