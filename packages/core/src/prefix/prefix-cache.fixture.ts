import { MARKER_SLOTS } from './mark-demands.ts';
import { markersToAdd, type PlacedPlan } from './placed-plan.ts';
import type { PredictedUsage } from './predicted-usage.ts';
import type { Block } from './prompts.fixture.ts';

/** A block of the prompt that is sent: the client's marker, or else one that was added. */
function sentBlocks(plan: PlacedPlan, prompt: readonly Block[], request: number): Block[] {
  const added = new Map(markersToAdd(plan, request).map(({ block, ttl }) => [block, ttl]));
  return prompt.map((block, i) => ({ ...block, mark: block.mark ?? added.get(i) }));
}

/** Markers that the API takes: four at most, none where none may be, 1-hour ones first. */
export function markersAreValid(blocks: readonly Block[]): boolean {
  const marked = blocks.filter(({ mark }) => mark !== undefined);
  const firstShort = marked.findIndex(({ mark }) => mark === '5m');
  const inOrder = firstShort < 0 || marked.slice(firstShort).every(({ mark }) => mark === '5m');
  return marked.length <= MARKER_SLOTS && marked.every(({ markable = true }) => markable) && inOrder;
}

/** What each prompt looks like when it is sent. */
export function sentPrompts(plan: PlacedPlan, prompts: readonly (readonly Block[])[]): Block[][] {
  return prompts.map((prompt, r) => sentBlocks(plan, prompt, r));
}

/**
 * A cache that forgets nothing and is ready at once, written from the public rules alone: entries at marked blocks of
 * sufficient length; a marker finds one at itself or up to 19 blocks before, the deepest marker first.
 */
export class PrefixCache {
  readonly #entries = new Set<string>();
  readonly #written = new Set<string>();
  readonly #minimum: number;
  readonly #isByWave: boolean;
  readonly usage = { written5m: 0, written1h: 0, read: 0, input: 0 };

  /** `isByWave`: what is written can be read only after `endWave`. */
  constructor(minimum: number, { isByWave = false } = {}) {
    this.#minimum = minimum;
    this.#isByWave = isByWave;
  }

  endWave(): void {
    for (const key of this.#written) this.#entries.add(key);
    this.#written.clear();
  }

  send(prompt: readonly Block[]): PredictedUsage {
    const tokensAt = prompt.map((_, i) => prompt.slice(0, i + 1).reduce((sum, { tokens }) => sum + tokens, 0));
    const keyAt = prompt.map((_, i) => JSON.stringify(prompt.slice(0, i + 1).map(({ text }) => text)));
    const marked = prompt.flatMap((block, i) =>
      block.mark !== undefined && (tokensAt[i] ?? 0) >= this.#minimum ? [{ i, mark: block.mark }] : [],
    );
    const upTo = (i: number | undefined): number => (i === undefined ? 0 : (tokensAt[i] ?? 0));
    const read = upTo(
      marked
        .toReversed()
        .flatMap(({ i }) => Array.from({ length: Math.min(20, i + 1) }, (_, back) => i - back))
        .find((i) => this.#entries.has(keyAt[i] ?? '')),
    );
    const end = Math.max(read, upTo(marked.at(-1)?.i));
    const long = Math.max(read, upTo(marked.findLast(({ mark }) => mark === '1h')?.i));
    marked.forEach(({ i }) => (this.#isByWave ? this.#written : this.#entries).add(keyAt[i] ?? ''));
    const usage = {
      written5m: end - long,
      written1h: long - read,
      read,
      input: upTo(prompt.length - 1) - end,
    };
    for (const kind of ['written5m', 'written1h', 'read', 'input'] as const) this.usage[kind] += usage[kind];
    return usage;
  }
}
