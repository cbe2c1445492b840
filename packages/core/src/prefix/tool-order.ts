import type { PromptBlocks } from './prompt-blocks.ts';
import { RequestGroupBuilder, type RequestGroup } from './request-group.ts';
import type { RequestNotes } from './request-notes.ts';

/**
 * The requests whose tools come in another order than in most requests with the same tools, the same model and the same
 * params that change how a prompt is rendered. Prompts begin with their tools, so these share nothing with those.
 */
export function findOtherToolOrders(blocks: PromptBlocks, notes: RequestNotes): RequestGroup {
  const orders = new Map<number, Map<number, number>>();
  forEachToolOrder(blocks, notes, (_, set, order) => {
    const counts = orders.get(set) ?? new Map<number, number>();
    orders.set(set, counts.set(order, (counts.get(order) ?? 0) + 1));
  });
  const usual = new Map([...orders].map(([set, counts]) => [set, mostFrequent(counts)]));
  const others = new RequestGroupBuilder();
  forEachToolOrder(blocks, notes, (request, set, order) => {
    if (usual.get(set) !== order) others.add(request);
  });
  return others.group;
}

/** The identity of the last tool stands for the order of all. One tool has none; what was not noted cannot be told. */
function forEachToolOrder(
  blocks: PromptBlocks,
  notes: RequestNotes,
  tell: (request: number, set: number, order: number) => void,
): void {
  for (let request = 0; request < blocks.requestCount; request++) {
    const tools = notes.toolCount[request] as number;
    const last = (blocks.firstBlock[request] as number) + tools - 1;
    if (tools < 2 || last >= (blocks.firstBlock[request + 1] as number)) continue;
    tell(request, notes.toolSet[request] as number, blocks.hash[last] as number);
  }
}

/** Of equals the one that came first. */
function mostFrequent(counts: ReadonlyMap<number, number>): number {
  let [best, most] = [0, 0];
  for (const [order, count] of counts) if (count > most) [best, most] = [order, count];
  return best;
}
