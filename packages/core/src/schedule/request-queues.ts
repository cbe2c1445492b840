import type { LeaderReach, SchedulePlan } from './leader-reach.ts';
import type { RequestLists } from './request-lists.ts';

/**
 * Queues the pending requests of a plan: each node's own under its number, those that wait for nobody under the next
 * one after the last. In submission order, but that those who can lead a node stand before those who cannot, and the best
 * of them first.
 */
export function queueRequests(
  lists: RequestLists,
  plan: SchedulePlan,
  reach: LeaderReach,
  isPending: (request: number) => boolean,
): void {
  if (plan.nodeCount > 0) queueAnchored(lists, plan, reach, isPending);
  queueAlone(lists, plan, isPending);
}

/** In runs, since most of what waits follows one another. */
function queueAlone(lists: RequestLists, plan: SchedulePlan, isPending: (request: number) => boolean): void {
  const { anchor, requestCount, nodeCount } = plan;
  for (let end = 0; end < requestCount; end++) {
    const first = end;
    while (end < requestCount && anchor[end] === -1 && isPending(end)) end++;
    if (end > first) lists.pushRun(nodeCount, first, end);
  }
}

function queueAnchored(
  lists: RequestLists,
  plan: SchedulePlan,
  reach: LeaderReach,
  isPending: (request: number) => boolean,
): void {
  const { anchor, requestCount, nodeCount } = plan;
  const leader = bestLeaders(plan, reach, isPending);
  const queue = (isWanted: (request: number) => boolean): void => {
    for (let request = 0; request < requestCount; request++) {
      const node = anchor[request] as number;
      if (node === -1 || leader[node] === request || !isWanted(request) || !isPending(request)) continue;
      lists.push(node, request);
    }
  };
  queue((request) => reach.of(request) > 0);
  if (!reach.isUniform) queue((request) => reach.of(request) === 0);
  for (let node = 0; node < nodeCount; node++) {
    if (leader[node] !== -1) lists.unshift(node, leader[node] as number);
  }
}

/** Of each node, the request that writes most of its path, and of these the one with the least of its own to read. */
function bestLeaders(plan: SchedulePlan, reach: LeaderReach, isPending: (request: number) => boolean): Int32Array {
  const { anchor, suffixTokens, requestCount, nodeCount } = plan;
  const leader = new Int32Array(nodeCount).fill(-1);
  const isBetter = (request: number, than: number): boolean => {
    if (than === -1) return true;
    const [mine, others] = [reach.of(request), reach.of(than)];
    if (mine !== others) return mine > others;
    return (suffixTokens[request] as number) < (suffixTokens[than] as number);
  };
  for (let request = 0; request < requestCount; request++) {
    const node = anchor[request] as number;
    if (node === -1 || !isPending(request)) continue;
    if (isBetter(request, leader[node] as number)) leader[node] = request;
  }
  return leader;
}
