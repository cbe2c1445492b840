/**
 * Which replica of an upstream a call goes to. SPEC.md H4–H8. Calls with an affinity are spread by rendezvous hashing: to
 * each key every replica has a weight, and the heaviest with room is chosen, so that a key's calls meet at its home, those
 * that find it full meet at the next, and a replica that comes or goes moves only the keys that are at home there.
 *
 * *Room* keeps loads even (consistent hashing with bounded loads, Mirrokni et al. 2017): with the call no replica has more
 * than a quarter above the mean of those that are open. There is always one that has.
 */
export interface ReplicaLoads {
  /** What tells the replicas apart, whatever their order; see `replicaSeed`. */
  readonly seeds: readonly number[];
  /** Calls under way at each. */
  readonly inFlight: ArrayLike<number>;
  /** Whether calls may go there. Where none is open, all count as open: some call has to find out. */
  isOpen(replica: number): boolean;
}

/** What stands for a replica in the hashing: its name, so that the order in which replicas are listed means nothing. */
export function replicaSeed(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

/** Where the calls of a key go while every replica is open and has room. */
export function homeOf(affinity: number, seeds: readonly number[]): number {
  return heaviest(affinity, seeds, () => true);
}

/** The most calls a replica may have, of `total` over `open` replicas: a quarter above the mean, rounded up. */
export function loadBound(total: number, open: number): number {
  return Math.ceil((5 * total) / (4 * open));
}

/**
 * The replica for one more call. Without an affinity it is the one with the least under way; of equals the next from
 * `turn` on, so that calls one after another do not all go to the first.
 */
export function chooseReplica(affinity: number | null, replicas: ReplicaLoads, turn: number): number {
  const { seeds, inFlight } = replicas;
  const isAnyOpen = seeds.some((_, replica) => replicas.isOpen(replica));
  const isOpen = (replica: number): boolean => !isAnyOpen || replicas.isOpen(replica);
  if (affinity === null) return leastLoaded(inFlight, seeds.length, isOpen, turn);
  let [open, total] = [0, 1];
  for (let replica = 0; replica < seeds.length; replica++) {
    if (!isOpen(replica)) continue;
    open += 1;
    total += inFlight[replica] as number;
  }
  const bound = loadBound(total, open);
  return heaviest(affinity, seeds, (replica) => (inFlight[replica] as number) < bound && isOpen(replica));
}

function leastLoaded(
  inFlight: ArrayLike<number>,
  count: number,
  isOpen: (replica: number) => boolean,
  turn: number,
): number {
  let [best, least] = [-1, Number.POSITIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    const replica = (turn + i) % count;
    const load = inFlight[replica] as number;
    if (load < least && isOpen(replica)) [best, least] = [replica, load];
  }
  return best;
}

function heaviest(affinity: number, seeds: readonly number[], isWanted: (replica: number) => boolean): number {
  let [best, most] = [-1, -1];
  for (let replica = 0; replica < seeds.length; replica++) {
    if (!isWanted(replica)) continue;
    const weight = weightOf(affinity, seeds[replica] as number);
    // Weights are equal once in four thousand million times; the seed decides then, and not the order.
    const isHeavier = weight > most || (weight === most && (seeds[replica] as number) > (seeds[best] as number));
    if (isHeavier) [best, most] = [replica, weight];
  }
  return best;
}

function weightOf(affinity: number, seed: number): number {
  const high = Math.floor(affinity / 2 ** 32);
  return mixed(mixed((affinity - high * 2 ** 32) ^ seed) ^ Math.imul(high, 0x9e3779b1));
}

/** The last steps of MurmurHash3: every bit of the number bears on every bit of the result. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
