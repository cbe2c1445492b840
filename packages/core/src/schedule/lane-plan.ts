import type { SchedulePlan } from './leader-reach.ts';

/**
 * The part of a plan that some of its requests need: the prefixes on their paths, counted for them alone. Requests keep
 * their numbers; the others have no prefix. What several lanes hold of a plan is so little more than the plan itself.
 */
export function lanePlan(plan: SchedulePlan, isInLane: (request: number) => boolean): SchedulePlan {
  const anchor = anchorsOf(plan, isInLane);
  const requests = requestsThrough(plan, anchor);
  const idOf = new Int32Array(plan.nodeCount).fill(-1);
  const nodes: number[] = [];
  for (let node = 0; node < plan.nodeCount; node++) {
    if (requests[node] !== 0) idOf[node] = nodes.push(node) - 1;
  }
  for (let request = 0; request < anchor.length; request++) {
    if (anchor[request] !== -1) anchor[request] = idOf[anchor[request] as number] as number;
  }
  const { parent, hash, tokens, block, ttl, model } = plan;
  return {
    ...plan,
    nodeCount: nodes.length,
    parent: new Int32Array(nodes.map((node) => (parent[node] === -1 ? -1 : (idOf[parent[node] as number] as number)))),
    hash: new Float64Array(nodes.map((node) => hash[node] as number)),
    tokens: new Uint32Array(nodes.map((node) => tokens[node] as number)),
    requests: new Uint32Array(nodes.map((node) => requests[node] as number)),
    block: new Uint32Array(nodes.map((node) => block[node] as number)),
    ttl: new Uint8Array(nodes.map((node) => ttl[node] as number)),
    model: new Uint16Array(nodes.map((node) => model[node] as number)),
    anchor,
  };
}

function anchorsOf(plan: SchedulePlan, isInLane: (request: number) => boolean): Int32Array {
  const anchor = Int32Array.from(plan.anchor);
  for (let request = 0; request < anchor.length; request++) {
    if (anchor[request] !== -1 && !isInLane(request)) anchor[request] = -1;
  }
  return anchor;
}

/** Children come after their parents: from the last on, each node's count is whole when it is added to the one above. */
function requestsThrough({ nodeCount, parent }: SchedulePlan, anchor: Int32Array): Uint32Array {
  const requests = new Uint32Array(nodeCount);
  for (let request = 0; request < anchor.length; request++) {
    const node = anchor[request] as number;
    if (node !== -1) requests[node] = (requests[node] as number) + 1;
  }
  for (let node = nodeCount - 1; node >= 0; node--) {
    const above = parent[node] as number;
    if (above !== -1) requests[above] = (requests[above] as number) + (requests[node] as number);
  }
  return requests;
}
