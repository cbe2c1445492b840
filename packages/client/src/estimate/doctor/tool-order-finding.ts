import type { PromptBlocks, RequestNotes } from '@batchwright/core';
import type { Finding } from './finding.ts';
import { NO_LOSS, sumOf, type Loss } from './loss.ts';
import { isSame } from './prompt-pair.ts';
import type { PromptParts } from './prompt-parts.ts';
import type { SharingSource } from './sharing-findings.ts';

/** Requests with the same tools in several orders. */
export interface ToolOrders {
  readonly model: number;
  /** By how many requests have it, the most first. */
  readonly orders: readonly ToolOrder[];
  /** Of the tools together. */
  readonly tokens: number;
}

interface ToolOrder {
  requests: number;
  /** The first that has it. */
  readonly request: number;
}

/** The sets of tools that come in more than one order. Prompts begin with their tools: those with others share nothing. */
export function findToolOrders(blocks: PromptBlocks, { toolCount, toolSet }: RequestNotes): readonly ToolOrders[] {
  const sets = new Map<number, Map<number, ToolOrder>>();
  for (let request = 0; request < blocks.requestCount; request++) {
    const count = toolCount[request] as number;
    const last = (blocks.firstBlock[request] as number) + count - 1;
    if (count < 2 || last >= (blocks.firstBlock[request + 1] as number)) continue;
    const orders = sets.get(toolSet[request] as number) ?? new Map<number, ToolOrder>();
    sets.set(toolSet[request] as number, orders);
    const order = orders.get(blocks.hash[last] as number) ?? { requests: 0, request };
    orders.set(blocks.hash[last] as number, order);
    order.requests += 1;
  }
  return [...sets.values()].filter((orders) => orders.size > 1).map((orders) => toolOrders([...orders.values()]));

  function toolOrders(orders: ToolOrder[]): ToolOrders {
    orders.sort((a, b) => b.requests - a.requests || a.request - b.request);
    const request = orders[0]?.request ?? 0;
    const last = (blocks.firstBlock[request] as number) + (toolCount[request] as number) - 1;
    return { model: blocks.model[request] as number, orders, tokens: blocks.tokens[last] as number };
  }
}

/** The requests that `toolOrderFinding` wants to read: the usual order and the commonest other one of each set. */
export function toolOrderExamples(sets: readonly ToolOrders[]): readonly number[] {
  return sets.slice(0, MOST_SETS).flatMap(({ orders }) => orders.slice(0, 2).map(({ request }) => request));
}

/** Tools may be made anew for each request; one example is enough. */
const MOST_SETS = 8;

/** What to say of them, if there are any. */
export function toolOrderFinding(sets: readonly ToolOrders[], source: SharingSource): readonly Finding[] {
  const [usual, other] = sets[0]?.orders ?? [];
  if (usual === undefined || other === undefined) return [];
  let loss = NO_LOSS;
  let count = 0;
  for (const set of sets) {
    loss = sumOf(loss, lossOf(set, source));
    for (const { requests } of set.orders.slice(1)) count += requests;
  }
  const [left, right] = firstOtherTool(source.prompt(usual.request), source.prompt(other.request));
  const orders = sets.reduce((sum, set) => sum + set.orders.length, 0);
  const customIds = [source.customId(usual.request), source.customId(other.request)];
  return [{ code: 'tool_order_differs', count, isSampled: false, customIds, loss, orders, left, right }];
}

function lossOf(set: ToolOrders, source: SharingSource): Loss {
  const tokens = set.tokens + tokensBehind(set, source);
  if (tokens < source.minimum(set.model)) return NO_LOSS;
  const costs = source.costs(set.model);
  const all = set.orders.reduce((sum, { requests }) => sum + requests, 0);
  const apart = set.orders.reduce((sum, { requests }) => sum + costs.shared(requests), 0);
  return costs.loss(tokens * (apart - costs.shared(all)));
}

/** Tokens of the blocks behind the tools that all have, whatever the order of their tools. */
function tokensBehind({ orders }: ToolOrders, { blocks, trie, prompt }: SharingSource): number {
  const [usual, other] = orders;
  const [left, right] = [prompt(usual?.request ?? 0), prompt(other?.request ?? 0)];
  if (usual === undefined || left === null || right === null) return 0;
  const first = blocks.firstBlock[usual.request] as number;
  const isCommon = (part: number): boolean => trie.requests[trie.nodeOf[first + part] as number] === usual.requests;
  let part = left.toolCount;
  while (part < left.parts.length && isSame(left, right, part) && isCommon(part)) part++;
  return (blocks.tokens[first + part - 1] as number) - (blocks.tokens[first + left.toolCount - 1] as number);
}

const decoder = new TextDecoder();

function firstOtherTool(left: PromptParts | null, right: PromptParts | null): [string, string] {
  const [mine, others] = [toolNames(left), toolNames(right)];
  const at = mine.findIndex((name, tool) => name !== others[tool]);
  return [mine[at] ?? '', others[at] ?? ''];
}

function toolNames(prompt: PromptParts | null): readonly string[] {
  if (prompt === null) return [];
  return prompt.parts.slice(0, prompt.toolCount).map(({ bytes }) => {
    const tool = JSON.parse(decoder.decode(bytes)) as { readonly name?: unknown } | null;
    return typeof tool?.name === 'string' ? tool.name : '';
  });
}
