import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { TTL_CODES } from '../prefix/token-rates.ts';
import type { Turn } from '../schedule/turn.ts';
import type { UpstreamProfile } from '../schedule/upstream-profile.ts';
import { promptTokensOf, type TokenCounts } from './bill.ts';

/** What the cache did for a request that shares a prefix. */
export type CacheOutcome =
  /** It read all that it could. */
  | 'hit'
  /** It was the first to write its prefix. No miss: somebody has to. */
  | 'cold'
  /** It went before the prefix could be read, because waiting was not worth it or took too long. */
  | 'not_ready'
  /** It wrote again what had been written, because nobody had used that for too long. */
  | 'expired'
  /** Nothing was read or written: the upstream does not cache a prefix as short, or this model's. */
  | 'below_minimum'
  /** It should have read and wrote; why, nobody can tell from here. */
  | 'unexplained';

/** How much of a request's prompt others share, in tokens as they were billed. */
export interface PrefixShare {
  /** Up to the last mark that others share. */
  readonly sharedTokens: number;
  /** Of those, what no request before it in the ledger has in common with it: somebody had to write it. */
  readonly leastTokens: number;
  /** Which part of its marked prefix is kept for an hour. */
  readonly longShare: number;
  /** The first request of its marked prefix, or the only one: for it a warm-up call would have been made. */
  readonly isFirst: boolean;
  /** Null when it shares nothing, or when the upstream does not tell. */
  readonly outcome: CacheOutcome | null;
}

/** The share of a request of which nothing is known. */
export const NO_SHARE: PrefixShare = { sharedTokens: 0, leastTokens: 0, longShare: 0, isFirst: false, outcome: null };

/** That of a request which marks a prefix that is its own alone. */
const UNSHARED: PrefixShare = { ...NO_SHARE, isFirst: true };

const SENT = { unknown: 0, first: 1, again: 2, early: 3, follower: 4 } as const;
const NODE = { found: 1, anchored: 2, warmed: 4 } as const;

/**
 * Relates the answers of a batch to what its plan expected of them: which tokens had to be written, and why others were.
 *
 * A prefix is *found* when the first request through it is settled; what had to be written is counted with that one. So
 * a ledger depends on the order of the results log and on nothing else, and reading the log again gives the same sums.
 * Only the outcomes need to know how a request was sent, which is forgotten when the process ends.
 */
export class PrefixAccount {
  readonly #plan: PlacedPlan;
  readonly #reports: UpstreamProfile['usage'];
  readonly #nodes: Uint8Array;
  readonly #sent: Uint8Array;
  readonly #longShare: Float64Array | null;

  constructor(plan: PlacedPlan, reports: UpstreamProfile['usage']) {
    this.#plan = plan;
    this.#reports = reports;
    this.#nodes = new Uint8Array(plan.nodeCount);
    this.#sent = new Uint8Array(plan.nodeCount === 0 ? 0 : plan.requestCount);
    this.#longShare = longShares(plan);
  }

  /** A request is handed out. */
  taken({ request, role, reason }: Turn): void {
    const anchor = this.#plan.anchor[request] ?? -1;
    if (anchor === -1) return;
    this.#sent[request] = this.#sentAs(anchor, role, reason);
  }

  /** Its answer has begun, and says that it read or wrote its prefix. */
  warmed(request: number): void {
    this.#mark(this.#plan.anchor[request] ?? -1, NODE.warmed);
  }

  /** A request that was answered and counted before this account began. */
  restore(request: number): void {
    this.#find(this.#plan.anchor[request] ?? -1);
  }

  /** A request was answered; each once, in the order of the results log. */
  settled(request: number, tokens: TokenCounts): PrefixShare {
    const anchor = this.#plan.anchor[request] ?? -1;
    if (anchor === -1) return markedTokens(tokens) === 0 ? NO_SHARE : UNSHARED;
    const isFirst = ((this.#nodes[anchor] as number) & NODE.anchored) === 0;
    const found = this.#find(anchor);
    const shared = this.#sharedTokens(request, anchor, tokens);
    const whole = this.#plan.tokens[anchor] as number;
    const least = whole === 0 ? 0 : Math.round((shared * (whole - found)) / whole);
    const outcome = this.#outcome(request, isFirst, shared, tokens);
    const longShare = this.#longShare === null ? 0 : (this.#longShare[anchor] as number);
    // Where writes are not told, they are known to have been paid for as input: what could be read is all there is.
    return this.#reports === 'full'
      ? { sharedTokens: shared, leastTokens: least, longShare, isFirst, outcome }
      : { sharedTokens: shared - least, leastTokens: 0, longShare, isFirst, outcome };
  }

  #sentAs(anchor: number, role: Turn['role'], reason: Turn['reason']): number {
    if (reason === 'gate_timeout' || reason === 'not_worth_waiting') return SENT.early;
    if (role === 'follower') return SENT.follower;
    if (role === 'filler') return SENT.unknown;
    return ((this.#nodes[anchor] as number) & (NODE.found | NODE.warmed)) === 0 ? SENT.first : SENT.again;
  }

  /** Marks the anchor and what is above it as found; answers the estimated tokens of what had been found before. */
  #find(anchor: number): number {
    if (anchor === -1) return 0;
    this.#nodes[anchor] = (this.#nodes[anchor] as number) | NODE.anchored;
    const known = this.#mark(anchor, NODE.found);
    return known === -1 ? 0 : (this.#plan.tokens[known] as number);
  }

  /** Sets a bit from a node upwards, as far as it is not set already; answers the first node that had it, or -1. */
  #mark(from: number, bit: number): number {
    let node = from;
    while (node !== -1 && ((this.#nodes[node] as number) & bit) === 0) {
      this.#nodes[node] = (this.#nodes[node] as number) | bit;
      node = this.#plan.parent[node] as number;
    }
    return node;
  }

  /**
   * What was read and written, where that is told and is all shared. A client's own marks behind the shared ones are in
   * it too, and where only reads are told a miss is not: then the estimate, corrected by how long the prompt really was.
   */
  #sharedTokens(request: number, anchor: number, tokens: TokenCounts): number {
    const { unshared } = this.#plan;
    const marked = markedTokens(tokens);
    if (this.#reports === 'none') return 0;
    if (this.#reports === 'full' && (marked === 0 || unshared.written5m + unshared.written1h === 0)) return marked;
    const whole = this.#plan.tokens[anchor] as number;
    const estimated = whole + (this.#plan.suffixTokens[request] as number);
    const corrected = estimated === 0 ? 0 : Math.round((whole * promptTokensOf(tokens)) / estimated);
    return this.#reports === 'full' ? Math.min(marked, corrected) : Math.max(marked, corrected);
  }

  #outcome(request: number, isFirst: boolean, shared: number, tokens: TokenCounts): CacheOutcome | null {
    if (this.#reports !== 'full') return null;
    const written = tokens.write5mTokens + tokens.write1hTokens;
    if (written === 0) return tokens.readTokens > 0 ? 'hit' : 'below_minimum';
    // What lies behind the shared marks is written by everybody.
    if (tokens.readTokens >= NEARLY_ALL * shared) return 'hit';
    switch (this.#sent[request]) {
      case SENT.first:
        return 'cold';
      case SENT.again:
        return 'expired';
      case SENT.early:
        return 'not_ready';
      case SENT.follower:
        return 'unexplained';
      default:
        return isFirst ? 'cold' : 'unexplained';
    }
  }
}

function markedTokens({ readTokens, write5mTokens, write1hTokens }: TokenCounts): number {
  return readTokens + write5mTokens + write1hTokens;
}

/** Sizes are estimates: a read short of them by so little is one of everything. */
const NEARLY_ALL = 0.95;

/** Of each node, the part of its tokens up to the deepest one that is kept for an hour; null when none is. */
function longShares({ nodeCount, parent, tokens, ttl }: PlacedPlan): Float64Array | null {
  if (!ttl.includes(TTL_CODES['1h'])) return null;
  const long = new Float64Array(nodeCount);
  for (let node = 0; node < nodeCount; node++) {
    const above = parent[node] as number;
    if (ttl[node] === TTL_CODES['1h']) long[node] = tokens[node] as number;
    else long[node] = above === -1 ? 0 : (long[above] as number);
  }
  return long.map((tokensKept, node) => (tokens[node] === 0 ? 0 : tokensKept / (tokens[node] as number)));
}
