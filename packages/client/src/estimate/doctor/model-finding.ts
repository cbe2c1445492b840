import type { PromptBlocks, PromptTrie } from '@batchwright/core';
import type { Finding } from './finding.ts';
import { NO_LOSS, sumOf, type Loss } from './loss.ts';
import type { PromptParts } from './prompt-parts.ts';
import type { SharingSource } from './sharing-findings.ts';

/** A block that prompts to a model begin with: those to another may begin with the same. */
export interface ModelStart {
  readonly model: number;
  /** A request that begins so. */
  readonly request: number;
  readonly requests: number;
}

/** Of each model, looked at. */
const MOST_STARTS = 4;
const MOST_MODELS = 8;

/** What most requests to each of several models begin with; none when there is one model. */
export function findModelStarts(blocks: PromptBlocks, trie: PromptTrie): readonly ModelStart[] {
  if (blocks.models.length < 2) return [];
  const byModel = new Map<number, ModelStart[]>();
  for (const start of firstBlocks(blocks, trie)) {
    const starts = byModel.get(start.model) ?? [];
    starts.push(start);
    byModel.set(start.model, starts);
  }
  return [...byModel.values()]
    .slice(0, MOST_MODELS)
    .flatMap((starts) => starts.sort((a, b) => b.requests - a.requests).slice(0, MOST_STARTS));
}

function firstBlocks(blocks: PromptBlocks, trie: PromptTrie): readonly ModelStart[] {
  const found: ModelStart[] = [];
  for (let request = 0; request < blocks.requestCount; request++) {
    const block = blocks.firstBlock[request] as number;
    if (block === blocks.firstBlock[request + 1]) continue;
    const node = trie.nodeOf[block] as number;
    if (node < 0 || trie.source[node] !== block) continue;
    found.push({ model: trie.model[node] as number, request, requests: trie.requests[node] as number });
  }
  return found;
}

/** The same blocks at the beginning of prompts to several models, which cache each for itself. */
export function modelFinding(starts: readonly ModelStart[], source: SharingSource): readonly Finding[] {
  const groups = new Map<string, ModelStart[]>();
  for (const start of starts) {
    const key = startKey(source.prompt(start.request));
    if (key === null) continue;
    groups.set(key, [...(groups.get(key) ?? []), start]);
  }
  let worst: Finding | null = null;
  for (const group of groups.values()) {
    const found = groupFinding(group, source);
    if (found !== null && found.loss.tokens > (worst?.loss.tokens ?? 0)) worst = found;
  }
  return worst === null ? [] : [worst];
}

const decoder = new TextDecoder();

function startKey(prompt: PromptParts | null): string | null {
  const first = prompt?.parts[0];
  return first === undefined ? null : decoder.decode(first.bytes);
}

function groupFinding(group: readonly ModelStart[], source: SharingSource): Finding | null {
  const { blocks } = source;
  const models = [...new Set(group.map(({ model }) => blocks.models[model] ?? ''))];
  if (models.length < 2) return null;
  const ranked = group.toSorted((a, b) => b.requests - a.requests);
  let loss: Loss = NO_LOSS;
  for (const { model, request, requests } of ranked.slice(1)) {
    const tokens = blocks.tokens[blocks.firstBlock[request] as number] as number;
    if (tokens < source.minimum(model)) continue;
    const costs = source.costs(model);
    loss = sumOf(loss, costs.loss(tokens * (costs.shared(requests) - costs.readShare * requests)));
  }
  const count = group.reduce((sum, { requests }) => sum + requests, 0);
  const customIds = ranked.slice(0, 3).map(({ request }) => source.customId(request));
  return { code: 'models_differ', models, count, isSampled: false, customIds, loss };
}
