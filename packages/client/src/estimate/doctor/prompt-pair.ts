import { agreementOf } from './agreement.ts';
import { differenceOf, type Difference } from './difference.ts';
import type { PromptParts } from './prompt-parts.ts';

/** Why two prompts share no more than they do, when they could. */
export type PairVerdict =
  /** Both say the same for a while, but are rendered differently. */
  | { readonly type: 'settings'; readonly names: readonly string[]; readonly shares: readonly PartShare[] }
  /** Something small differs, and behind it they agree again. */
  | { readonly type: 'early'; readonly difference: Difference; readonly shares: readonly PartShare[] }
  /** One block begins alike in both and goes on differently. */
  | { readonly type: 'inside'; readonly difference: Difference; readonly shares: readonly PartShare[] };

/** How much of a block could be shared, from 0 to 1. */
export interface PartShare {
  readonly part: number;
  readonly share: number;
}

/** A block is nearly the same when so much of it is: a time or two in a page of text. */
const NEARLY_ALL = 0.8;
/** When so much of what agrees comes before the difference, cutting the block in two there is the lesser change. */
const MOSTLY = 0.9;

/**
 * Compares prompts whose first `depth` blocks are the same; null when what follows has nothing in common, or only the
 * order of tools differs, which is counted elsewhere.
 */
export function comparePrompts(left: PromptParts, right: PromptParts, depth: number): PairVerdict | null {
  const first = firstDifferingPart(left, right);
  if (first > depth) {
    const names = differingSettings(left, right);
    const shares = Array.from({ length: first - depth }, (_, i) => ({ part: depth + i, share: 1 }));
    return names.length === 0 ? null : { type: 'settings', names, shares };
  }
  if (first < left.toolCount && hasSameTools(left, right)) return null;
  const [a, b] = [left.parts[first], right.parts[first]];
  if (a === undefined || b === undefined) return null;
  const { before, behind } = agreementOf(a.bytes, b.bytes);
  const own = before + behind >= NEARLY_ALL ? [{ part: first, share: before + behind }] : [];
  const early = [...own, ...sharedLater(left, right, first + 1)];
  const inside = [{ part: first, share: before }];
  const earlyBytes = bytesOf(left, early);
  if (earlyBytes === 0 && before === 0) return null;
  const isInside = bytesOf(left, inside) >= earlyBytes * MOSTLY;
  return { type: isInside ? 'inside' : 'early', difference: differenceOf(a, b), shares: isInside ? inside : early };
}

function bytesOf(prompt: PromptParts, shares: readonly PartShare[]): number {
  return shares.reduce((sum, { part, share }) => sum + share * (prompt.parts[part]?.bytes.length ?? 0), 0);
}

function firstDifferingPart(left: PromptParts, right: PromptParts): number {
  const count = Math.min(left.parts.length, right.parts.length);
  for (let part = 0; part < count; part++) if (!isSame(left, right, part)) return part;
  return count;
}

/** Whether a block is the same in both. */
export function isSame(left: PromptParts, right: PromptParts, part: number): boolean {
  const [a, b] = [left.parts[part]?.bytes, right.parts[part]?.bytes];
  return a !== undefined && b !== undefined && a.length === b.length && a.every((byte, at) => byte === b[at]);
}

const decoder = new TextDecoder();

function hasSameTools(left: PromptParts, right: PromptParts): boolean {
  const [mine, others] = [left, right].map(({ parts, toolCount }) =>
    parts.slice(0, toolCount).map(({ bytes }) => decoder.decode(bytes)),
  );
  return left.toolCount === right.toolCount && mine?.sort().join('\n') === others?.sort().join('\n');
}

function differingSettings(left: PromptParts, right: PromptParts): readonly string[] {
  const names = new Set([...left.settings.keys(), ...right.settings.keys()]);
  return [...names].filter((name) => left.settings.get(name) !== right.settings.get(name)).sort();
}

/** Blocks behind the first difference that are the same in both, or nearly. */
function sharedLater(left: PromptParts, right: PromptParts, from: number): PartShare[] {
  const shares: PartShare[] = [];
  const count = Math.min(left.parts.length, right.parts.length);
  for (let part = from; part < count; part++) {
    const [a, b] = [left.parts[part], right.parts[part]];
    if (a === undefined || b === undefined) break;
    const { before, behind } = agreementOf(a.bytes, b.bytes);
    if (before + behind >= NEARLY_ALL) shares.push({ part, share: before + behind });
  }
  return shares;
}
