import type { PromptBlocks, PromptTrie } from '@batchwright/core';
import type { Finding } from './finding.ts';
import { NO_LOSS, sumOf, type CachingCosts, type Loss } from './loss.ts';
import { comparePrompts, type PairVerdict } from './prompt-pair.ts';
import type { PromptParts } from './prompt-parts.ts';
import type { Parting, SiblingPair } from './sibling-pairs.ts';

/** What findings about prompts that could share more are made of. */
export interface SharingSource {
  readonly blocks: PromptBlocks;
  readonly trie: PromptTrie;
  /** The prompt of a request that was picked; null when it was too large to be kept. */
  readonly prompt: (request: number) => PromptParts | null;
  readonly customId: (request: number) => string;
  /** What caching costs for a model, by its number. */
  readonly costs: (model: number) => CachingCosts;
  readonly minimum: (model: number) => number;
}

/** Where prompts part, what the pairs that were looked at say of all that do; the same reason at several places is one finding. */
export function findSharing(partings: readonly Parting[], source: SharingSource): readonly Finding[] {
  const reasons = new Map<string, Reason>();
  for (const parting of partings) {
    for (const found of reasonsAt(parting, source)) {
      const known = reasons.get(found.key);
      reasons.set(found.key, known === undefined ? found : joined(known, found));
    }
  }
  return [...reasons.values()].map((reason) => findingOf(reason, source));
}

/** Why some of the prompts at a parting share no more. */
interface Reason {
  readonly key: string;
  readonly verdict: PairVerdict;
  readonly pair: SiblingPair;
  readonly requests: number;
  readonly variants: number;
  readonly isSampled: boolean;
  readonly loss: Loss;
}

function joined(a: Reason, b: Reason): Reason {
  const worse = b.loss.tokens > a.loss.tokens ? b : a;
  return {
    ...worse,
    requests: a.requests + b.requests,
    variants: a.variants + b.variants,
    isSampled: a.isSampled || b.isSampled,
    loss: sumOf(a.loss, b.loss),
  };
}

/** Less is not worth a block of its own: every block of text has its first bytes in common with every other. */
const LEAST_TOKENS = 32;

function reasonsAt(parting: Parting, source: SharingSource): readonly Reason[] {
  const seen = new Map<string, { verdict: PairVerdict; pair: SiblingPair; pairs: number; tokens: number }>();
  let compared = 0;
  for (const pair of parting.pairs) {
    const [left, right] = [source.prompt(pair.left), source.prompt(pair.right)];
    if (left === null || right === null) continue;
    compared += 1;
    const verdict = comparePrompts(left, right, parting.depth);
    const tokens = verdict === null ? 0 : sharedTokens(verdict, pair.left, parting, source);
    if (verdict === null || tokens < LEAST_TOKENS) continue;
    const key = keyOf(verdict);
    const known = seen.get(key) ?? { verdict, pair, pairs: 0, tokens: 0 };
    // Of two times one pair may differ in the seconds and another in the hour: the earliest is what has to change.
    const shown = offsetOf(verdict) < offsetOf(known.verdict) ? { verdict, pair } : known;
    seen.set(key, { ...known, ...shown, pairs: known.pairs + 1, tokens: known.tokens + tokens });
  }
  return [...seen].map(([key, { verdict, pair, pairs, tokens }]) => {
    const share = pairs / compared;
    return { key, verdict, pair, ...conclusion(parting, share, tokens / pairs, compared, source) };
  });
}

/**
 * From the pairs to all: a share of neighbours that differ for one reason joins as many of the branches, in groups that
 * are larger the more of them do. All of them are one group.
 */
function conclusion(
  parting: Parting,
  share: number,
  tokens: number,
  compared: number,
  source: SharingSource,
): Pick<Reason, 'requests' | 'variants' | 'isSampled' | 'loss'> {
  const { branches, model } = parting;
  const joints = share * (branches - 1);
  const groups = Math.max(1, joints * (1 - share));
  const variants = Math.min(branches, joints + groups);
  const perBranch = parting.requests / branches;
  const requests = variants * perBranch;
  const costs = source.costs(model);
  const saved = variants * costs.shared(perBranch) - groups * costs.shared(requests / groups);
  const isCached = parting.sharedTokens + tokens >= source.minimum(model);
  return {
    requests: Math.round(requests),
    variants: Math.round(variants),
    isSampled: compared < branches - 1,
    loss: isCached ? costs.loss(tokens * saved) : NO_LOSS,
  };
}

/**
 * Tokens that the pair could share besides what it does: those of blocks that all of a branch have, since what comes
 * behind them differs in any case.
 */
function sharedTokens(
  { shares }: PairVerdict,
  request: number,
  { depth }: Parting,
  { blocks: { firstBlock, tokens }, trie }: SharingSource,
): number {
  const first = firstBlock[request] as number;
  const end = firstBlock[request + 1] as number;
  const requestsAt = (block: number): number => trie.requests[trie.nodeOf[block] as number] ?? 0;
  const inBranch = requestsAt(first + depth);
  let sum = 0;
  for (const { part, share } of shares) {
    const block = first + part;
    if (part < depth || block >= end || requestsAt(block) !== inBranch) continue;
    const before = block === first ? 0 : (tokens[block - 1] as number);
    sum += share * ((tokens[block] as number) - before);
  }
  return sum;
}

/** Of the same sort are differences in the same member, of blocks at whatever place of the list. */
function keyOf(verdict: PairVerdict): string {
  if (verdict.type === 'settings') return `settings ${verdict.names.join(' ')}`;
  const { path, look } = verdict.difference;
  return `${verdict.type} ${path.replace(/\d+/g, '')} ${look ?? ''}`;
}

function offsetOf(verdict: PairVerdict): number {
  return verdict.type === 'settings' ? 0 : verdict.difference.offset;
}

function findingOf({ verdict, pair, requests, variants, isSampled, loss }: Reason, source: SharingSource): Finding {
  const customIds = [source.customId(pair.left), source.customId(pair.right)];
  const base = { count: requests, isSampled, customIds, loss, variants };
  switch (verdict.type) {
    case 'settings':
      return { code: 'settings_differ', names: verdict.names, ...base };
    case 'inside':
      return { code: 'shared_within_block', difference: verdict.difference, ...base };
    case 'early': {
      const code = verdict.difference.look === null ? 'nearly_identical' : 'varying_value';
      return { code, difference: verdict.difference, ...base };
    }
    default:
      return verdict satisfies never;
  }
}
