import type { CallTiming, PrefixPlan } from '@batchwright/core';

/**
 * A lower bound of the time a plan takes that counts what cannot run yet: until the first prefixes are warm, only their
 * leaders may start, however many places there are. (W + ∫(C − startable(t))⁺ dt) / C, with as many counted startable
 * as any schedule without double writes could have started by then.
 */
export function bubbleBoundMs(plan: PrefixPlan, timing: CallTiming, concurrency: number, workMs: number): number {
  const releases = releasesOf(plan, timing);
  let startable = 0;
  let bubbleMs = 0;
  releases.forEach(({ atMs, requests }, i) => {
    startable += requests;
    const untilMs = releases[i + 1]?.atMs ?? atMs;
    bubbleMs += Math.max(0, concurrency - startable) * (untilMs - atMs);
  });
  // Where all there is does not fill the places, the rest of the time is the chain's to bound.
  return workMs + bubbleMs / concurrency;
}

interface Release {
  readonly atMs: number;
  readonly requests: number;
}

/**
 * When requests can start at the earliest, places without end. A node's leader goes once the node above is warm, and
 * warms it once it has read what the node adds and, where the node has no requests of its own, the least that a child
 * adds. One child is warmed by the same leader: the one that holds most, which is exact where children are alike.
 */
function releasesOf(plan: PrefixPlan, { baseMs, msPerUncachedToken }: CallTiming): readonly Release[] {
  const { nodeCount, parent, anchor } = plan;
  const { own, direct, favourite, carried } = shapeOf(plan);
  const at = new Map<number, number>();
  const release = (atMs: number, count: number): void => {
    if (count > 0) at.set(atMs, (at.get(atMs) ?? 0) + count);
  };
  release(
    0,
    anchor.reduce((fillers, node) => fillers + (node < 0 ? 1 : 0), 0),
  );
  const startMs = new Float64Array(nodeCount);
  const warmMs = new Float64Array(nodeCount);
  for (let v = 0; v < nodeCount; v++) {
    const above = parent[v]!;
    const isCarried = above >= 0 && favourite[above] === v;
    startMs[v] = above < 0 ? 0 : isCarried ? startMs[above]! : warmMs[above]!;
    warmMs[v] = isCarried ? warmMs[above]! : startMs[v]! + baseMs + (own[v]! + carried[v]!) * msPerUncachedToken;
    release(startMs[v]!, Math.min(1, direct[v]!));
    release(warmMs[v]!, direct[v]! - 1);
  }
  return [...at].map(([atMs, requests]) => ({ atMs, requests })).sort((a, b) => a.atMs - b.atMs);
}

/** Of each node: tokens it adds, requests of its own, the child that holds most, and the least its leader reads below. */
function shapeOf({ nodeCount, parent, tokens, requests }: PrefixPlan): {
  readonly own: Uint32Array;
  readonly direct: Uint32Array;
  readonly favourite: Int32Array;
  readonly carried: Float64Array;
} {
  const own = new Uint32Array(nodeCount);
  const direct = Uint32Array.from(requests);
  const favourite = new Int32Array(nodeCount).fill(-1);
  const carried = new Float64Array(nodeCount).fill(Number.POSITIVE_INFINITY);
  for (let v = nodeCount - 1; v >= 0; v--) {
    const above = parent[v]!;
    own[v] = tokens[v]! - (above < 0 ? 0 : tokens[above]!);
    if (direct[v]! > 0) carried[v] = 0;
    if (above < 0) continue;
    direct[above] = direct[above]! - requests[v]!;
    carried[above] = Math.min(carried[above]!, own[v]! + carried[v]!);
    if (favourite[above]! < 0 || requests[v]! > requests[favourite[above]!]!) favourite[above] = v;
  }
  return { own, direct, favourite, carried };
}
