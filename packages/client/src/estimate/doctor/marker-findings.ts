import {
  ClientMarks,
  TTL_CODES,
  type Estimated,
  type EstimateWarning,
  type PromptBlocks,
  type PromptTrie,
} from '@batchwright/core';
import type { Finding } from './finding.ts';
import { NO_LOSS, sumOf, type CachingCosts, type Loss } from './loss.ts';

/** What findings about markers are made of. */
export interface MarkerSource {
  readonly estimated: Estimated;
  readonly trie: PromptTrie;
  readonly warnings: readonly EstimateWarning[];
  readonly customId: (request: number) => string;
  readonly costs: (model: number) => CachingCosts;
  /** The path of a block of a request that was picked, by its position in the prompt. */
  readonly path: (request: number, block: number) => string;
}

/** What can be told from the markers and the lengths of prompts alone. */
export function findMarkerProblems(source: MarkerSource): readonly Finding[] {
  const found: Finding[] = [];
  for (const warning of source.warnings) {
    if (warning.code === 'prefix_below_minimum') found.push(shortPrefix(warning, source));
    if (warning.code === 'marker_on_varying_block') found.push(loneMarker(warning, source));
    if (warning.code === 'no_markers') found.push(noMarkers(warning, source));
  }
  return [...found, ...farMarkers(source), ...shortLived(source)];
}

type Warning<Code extends EstimateWarning['code']> = EstimateWarning & { readonly code: Code };

function exampleIds({ examples }: EstimateWarning, { customId }: MarkerSource): readonly string[] {
  return examples.map(customId);
}

/** As if all of them shared the one prefix: there is no more to lose. */
function shortPrefix(warning: Warning<'prefix_below_minimum'>, source: MarkerSource): Finding {
  const { tokens, minimum, count, model } = warning;
  const costs = source.costs(source.estimated.blocks.models.indexOf(model));
  const loss = costs.loss(tokens * (count - costs.shared(count)));
  return {
    code: warning.code,
    model,
    tokens,
    minimum,
    count,
    isSampled: false,
    customIds: exampleIds(warning, source),
    loss,
  };
}

function loneMarker(warning: Warning<'marker_on_varying_block'>, source: MarkerSource): Finding {
  const { blocks, terms } = source.estimated;
  const { tokens, count } = warning;
  const request = warning.examples[0] ?? 0;
  const marked: number[] = [];
  const marks = new ClientMarks(blocks, terms.minimumTokens);
  marks.read(request, marked);
  const block = marked.at(-1) ?? 0;
  const isLast = block === (blocks.firstBlock[request + 1] as number) - 1;
  const costs = source.costs(blocks.model[request] as number);
  const premium = costs.premium(marks.isLong(block) ? TTL_CODES['1h'] : TTL_CODES['5m']);
  return {
    code: isLast ? 'marker_on_last_block' : 'marker_on_varying_block',
    tokens,
    path: source.path(request, block - (blocks.firstBlock[request] as number)),
    count,
    isSampled: false,
    customIds: exampleIds(warning, source),
    loss: costs.loss(tokens * premium),
  };
}

function noMarkers(warning: Warning<'no_markers'>, source: MarkerSource): Finding {
  const { count, nanoUsd, readTokens } = warning;
  const loss: Loss = {
    tokens: readTokens,
    nanoUsd: nanoUsd === null ? null : nanoUsd.asSent - nanoUsd.marked,
  };
  return { code: 'no_markers', count, isSampled: false, customIds: exampleIds(warning, source), loss };
}

/** Positions that a marker looks at: its own block and so many less one before it. */
const LOOKBACK = 20;
const EXAMPLES = 3;

/**
 * A request could read an entry that another writes, but has no marker less than twenty blocks behind it, and the plan
 * had no marker left to put there.
 */
function farMarkers({ estimated, trie, customId, costs }: MarkerSource): readonly Finding[] {
  const { blocks, plan, terms } = estimated;
  const marks = new ClientMarks(blocks, terms.minimumTokens);
  if (!marks.any || terms.markers === 'off') return [];
  const writers = countWriters(blocks, trie, marks);
  const customIds: string[] = [];
  let [count, furthest, loss] = [0, 0, NO_LOSS];
  const marked: number[] = [];
  for (let request = 0; request < blocks.requestCount; request++) {
    marks.readEffective(request, marked);
    const missed = missedEntry(request, marked);
    if (missed === null) continue;
    count += 1;
    furthest = Math.max(furthest, missed.distance);
    loss = sumOf(loss, missed.loss);
    if (customIds.length < EXAMPLES) customIds.push(customId(request));
  }
  return count === 0 ? [] : [{ code: 'too_far_apart', blocks: furthest, count, isSampled: false, customIds, loss }];

  function missedEntry(request: number, marked: readonly number[]): { distance: number; loss: Loss } | null {
    const anchor = plan.anchor[request] as number;
    const read = anchor < 0 ? 0 : (plan.tokens[anchor] as number);
    const first = blocks.firstBlock[request] as number;
    for (let block = (marked.at(-1) ?? first) - 1; block >= first; block--) {
      const tokens = blocks.tokens[block] as number;
      if (tokens <= read) return null;
      const node = trie.nodeOf[block] as number;
      if (node < 0 || !isWrittenByOthers(node, marked.includes(block))) continue;
      const next = marked.find((mark) => mark >= block) ?? block;
      if (next - block < LOOKBACK) return null;
      const saved = costs(blocks.model[request] as number);
      return { distance: next - block, loss: saved.loss((tokens - read) * (1 - saved.readShare)) };
    }
    return null;
  }

  function isWrittenByOthers(node: number, isMarkedHere: boolean): boolean {
    return (writers[node] as number) > (isMarkedHere ? 1 : 0);
  }
}

/** Per node of the trie, how many requests mark it. */
function countWriters(blocks: PromptBlocks, trie: PromptTrie, marks: ClientMarks): Uint32Array {
  const writers = new Uint32Array(trie.size);
  const marked: number[] = [];
  for (let request = 0; request < blocks.requestCount; request++) {
    marks.readEffective(request, marked);
    for (const block of marked) {
      const node = trie.nodeOf[block] as number;
      if (node >= 0) writers[node] = (writers[node] as number) + 1;
    }
  }
  return writers;
}

/** Prefixes that the client marks for five minutes: each wave writes them anew, for all that are in it. */
function shortLived({ estimated: { blocks, plan }, customId, costs }: MarkerSource): readonly Finding[] {
  let [loss, longest] = [NO_LOSS, 0];
  for (let node = 0; node < plan.nodeCount; node++) {
    if (plan.ttl[node] !== TTL_CODES['5m']) continue;
    const above = plan.parent[node] as number;
    const own = (plan.tokens[node] as number) - (above < 0 ? 0 : (plan.tokens[above] as number));
    const cost = costs(plan.model[node] as number);
    const requests = plan.requests[node] as number;
    loss = sumOf(loss, cost.loss(own * (cost.writtenByAll(requests, TTL_CODES['5m']) - cost.shared(requests))));
    longest = Math.max(longest, plan.tokens[node] as number);
  }
  const customIds: string[] = [];
  let count = 0;
  for (let request = 0; request < blocks.requestCount; request++) {
    const anchor = plan.anchor[request] as number;
    if (anchor < 0 || plan.ttl[anchor] !== TTL_CODES['5m']) continue;
    count += 1;
    if (customIds.length < EXAMPLES) customIds.push(customId(request));
  }
  return count === 0 ? [] : [{ code: 'ttl_too_short', tokens: longest, count, isSampled: false, customIds, loss }];
}
