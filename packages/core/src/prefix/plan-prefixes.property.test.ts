import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishSteps } from '../steps.ts';
import { lowerBound } from './lower-bound.ts';
import { markersToAdd, type PlacedPlan } from './placed-plan.ts';
import { planPrefixes, type PlanOptions } from './plan-prefixes.ts';
import { predictUsage, type PredictedUsage } from './predicted-usage.ts';
import { PrefixCache, markersAreValid, sentPrompts } from './prefix-cache.fixture.ts';
import { areAllApart } from './prompt-trie.ts';
import { blocksOf, type Block } from './prompts.fixture.ts';
import { COMMON_RATES, type MarkerTtl } from './token-rates.ts';

/** Few texts and short prompts, so that much is shared; a text decides the length of its block. */
const MINIMUM = 1000;
const minimumTokens = (): number => MINIMUM;
const TEXTS: readonly Pick<Block, 'text' | 'tokens' | 'markable'>[] = [
  { text: 'a', tokens: 400 },
  { text: 'b', tokens: 700 },
  { text: 'c', tokens: 1300 },
  { text: 't', tokens: 600, markable: false },
];
const plainBlock = fc.constantFrom(...TEXTS).map((block): Block => ({ ...block }));
const plainPrompts = fc.array(fc.array(plainBlock, { maxLength: 6 }), { minLength: 1, maxLength: 14 });

/** Some texts become runs of blocks, so that looking back has to stop somewhere; the last of a run is what it was. */
const RUN_BLOCKS = 11;
const stretched = (prompt: readonly Block[]): Block[] =>
  prompt.flatMap((block) => {
    const rest = Array.from({ length: RUN_BLOCKS - 1 }, (_, i) => ({
      text: `${block.text}${i}`,
      tokens: 1,
      markable: i % 4 !== 0,
    }));
    return [...rest, block];
  });

/** Markers anywhere that the API would take, on few blocks or on many. */
const markedPrompts = fc
  .record({ plain: fc.constantFrom(1, 8), isStretched: fc.boolean() })
  .chain(({ plain, isStretched }) => {
    const mark = fc.oneof(
      { weight: plain, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom<MarkerTtl>('5m', '1h') },
    );
    const block = fc
      .tuple(plainBlock, mark)
      .map(([one, mark]): Block => (one.markable === false ? one : { ...one, mark }));
    const prompt = fc.array(block, { maxLength: 6 }).filter(markersAreValid);
    return fc
      .array(prompt, { minLength: 1, maxLength: 14 })
      .map((prompts) => (isStretched ? prompts.map(stretched) : prompts));
  });

/** Markers decided by what the prefix says, so that all requests through a block agree. */
const alikePrompts = fc
  .tuple(plainPrompts, fc.func(fc.constantFrom<MarkerTtl | undefined>(undefined, undefined, '5m')))
  .map(([prompts, markAt]) =>
    prompts.map((prompt) =>
      prompt.map((block, i): Block => {
        const mark = markAt(prompt.slice(0, i + 1).map(({ text }) => text));
        return block.markable === false ? block : { ...block, mark };
      }),
    ),
  )
  .map((prompts) => prompts.filter(markersAreValid));

const ttlClasses = fc.constantFrom<MarkerTtl>('5m', '1h');

/** Every prefix with the requests that begin with it, found the slow way. */
interface NaivePrefix {
  readonly key: string;
  readonly blocks: readonly Block[];
  readonly requests: ReadonlySet<number>;
}

const keyOf = (blocks: readonly Block[]): string => blocks.map(({ text }) => text).join('');
const tokensOf = (blocks: readonly Block[]): number => blocks.reduce((sum, { tokens }) => sum + tokens, 0);
const isPrefixOf = (a: string, b: string): boolean => b.startsWith(a);

function naivePrefixes(prompts: readonly (readonly Block[])[]): NaivePrefix[] {
  const found = new Map<string, { key: string; blocks: readonly Block[]; requests: Set<number> }>();
  prompts.forEach((prompt, r) =>
    prompt.forEach((_, i) => {
      const blocks = prompt.slice(0, i + 1);
      const prefix = found.get(keyOf(blocks)) ?? { key: keyOf(blocks), blocks, requests: new Set<number>() };
      prefix.requests.add(r);
      found.set(prefix.key, prefix);
    }),
  );
  return [...found.values()];
}

/** Cut points worth caching: longest of their set of requests (that can carry a marker), long enough, shared enough. */
function naiveCutPoints(prompts: readonly (readonly Block[])[], fewest: number, needsMarker: boolean): NaivePrefix[] {
  const prefixes = naivePrefixes(prompts);
  const can = ({ blocks }: NaivePrefix): boolean => !needsMarker || blocks.at(-1)?.markable !== false;
  const sameSet = (a: NaivePrefix, b: NaivePrefix): boolean =>
    a.requests.size === b.requests.size && [...a.requests].every((r) => b.requests.has(r));
  return prefixes
    .filter((one) => can(one) && one.requests.size >= fewest && tokensOf(one.blocks) >= MINIMUM)
    .filter(
      (one) => !prefixes.some((other) => other.blocks.length > one.blocks.length && can(other) && sameSet(one, other)),
    );
}

interface NaiveNode {
  readonly key: string;
  readonly above: string | null;
  readonly tokens: number;
  readonly requests: number;
  readonly block: number;
}

function naiveTree(kept: readonly NaivePrefix[]): NaiveNode[] {
  return kept.map(({ key, blocks, requests }) => {
    const above = kept.filter((other) => other.key !== key && isPrefixOf(other.key, key));
    const parent = above.toSorted((a, b) => b.key.length - a.key.length)[0]?.key ?? null;
    return { key, above: parent, tokens: tokensOf(blocks), requests: requests.size, block: blocks.length - 1 };
  });
}

/** A plan's nodes by what they say; the key is found through a request anchored below. */
function nodesOf(plan: PlacedPlan, prompts: readonly (readonly Block[])[]): NaiveNode[] {
  const keys: string[] = [];
  plan.anchor.forEach((anchor, r) => {
    for (let v = anchor; v >= 0; v = plan.parent[v] as number) {
      keys[v] = keyOf((prompts[r] as readonly Block[]).slice(0, (plan.block[v] as number) + 1));
    }
  });
  return keys.map((key, v) => ({
    key,
    above: (plan.parent[v] as number) < 0 ? null : (keys[plan.parent[v] as number] as string),
    tokens: plan.tokens[v] as number,
    requests: plan.requests[v] as number,
    block: plan.block[v] as number,
  }));
}

const byKey = (nodes: readonly NaiveNode[]): NaiveNode[] => nodes.toSorted((a, b) => (a.key < b.key ? -1 : 1));

function deepest(nodes: readonly NaiveNode[], prompt: readonly Block[]): NaiveNode | null {
  const key = keyOf(prompt);
  const on = nodes.filter((node) => isPrefixOf(node.key, key));
  return on.toSorted((a, b) => b.tokens - a.tokens)[0] ?? null;
}

const longestPath = (nodes: readonly NaiveNode[]): number =>
  Math.max(0, ...nodes.map(({ key }) => nodes.filter((other) => isPrefixOf(other.key, key)).length));

/** Sends everything in the plan's order: per cold node one request that writes it, then all others. */
function sendAsPlanned(plan: PlacedPlan, prompts: readonly (readonly Block[])[]): PredictedUsage {
  const cache = new PrefixCache(MINIMUM);
  const sent = sentPrompts(plan, prompts);
  const warm = new Set<number>([-1]);
  const waiting = new Set(sent.keys());
  const coldAbove = (r: number): number[] => {
    const path: number[] = [];
    for (let v = plan.anchor[r] as number; !warm.has(v); v = plan.parent[v] as number) path.push(v);
    return path;
  };
  const sendOne = (r: number): void => {
    cache.send(sent[r] as Block[]);
    for (const v of coldAbove(r).slice(0, plan.reach?.[r] ?? Infinity)) warm.add(v);
    waiting.delete(r);
  };
  for (;;) {
    const leader = [...waiting].find((r) => {
      const cold = coldAbove(r).length;
      return cold > 0 && (plan.reach?.[r] ?? Infinity) >= cold;
    });
    if (leader === undefined) break;
    sendOne(leader);
  }
  for (const r of waiting) sendOne(r);
  return cache.usage;
}

/** Whoever goes first at a node, with all above it warm, has to write all from its anchor up to the node. */
function expectEveryNodeToBeWritten(plan: PlacedPlan): void {
  const written = new Set<number>();
  plan.anchor.forEach((anchor, r) => {
    let node = anchor;
    for (let i = 0; node >= 0 && i < (plan.reach?.[r] ?? Infinity); i++) {
      written.add(node);
      node = plan.parent[node] as number;
    }
  });
  expect(written.size).toBe(plan.nodeCount);
}

const total = ({ written5m, written1h, read, input }: PredictedUsage): number => written5m + written1h + read + input;
const cost = ({ written5m, written1h, read, input }: PredictedUsage): number =>
  written5m * COMMON_RATES.write5m + written1h * COMMON_RATES.write1h + read * COMMON_RATES.read + input;

describe('plans agree with sets of requests, found the slow way', () => {
  it('T2 without markers in the way every cut point worth caching is a node', () => {
    fc.assert(
      fc.property(plainPrompts, ttlClasses, (prompts, ttlClass) => {
        const expected = naiveTree(naiveCutPoints(prompts, ttlClass === '1h' ? 3 : 2, false));
        const plan = planPrefixes(blocksOf(prompts), {
          markers: 'respect',
          profile: 'ignored',
          minimumTokens,
          ttlClass,
        });
        expect(byKey(nodesOf(plan, prompts))).toEqual(byKey(expected));
        prompts.forEach((prompt, r) => {
          const anchor = deepest(expected, prompt);
          expect(plan.tokens[plan.anchor[r] as number]).toBe(anchor?.tokens);
          expect(plan.suffixTokens[r]).toBe(tokensOf(prompt) - (anchor?.tokens ?? 0));
        });
      }),
      { numRuns: 300 },
    );
  });

  it('T9 with markers to place they are the cut points that can carry one, where four suffice', () => {
    fc.assert(
      fc.property(plainPrompts, ttlClasses, (prompts, ttlClass) => {
        const expected = naiveTree(naiveCutPoints(prompts, ttlClass === '1h' ? 3 : 2, true));
        fc.pre(longestPath(expected) <= 4);
        const plan = planPrefixes(blocksOf(prompts), { markers: 'auto', profile: 'required', minimumTokens, ttlClass });
        expect(byKey(nodesOf(plan, prompts))).toEqual(byKey(expected));
        prompts.forEach((prompt, r) => {
          const path = expected.filter(({ key }) => isPrefixOf(key, keyOf(prompt)));
          const markers = path.map(({ block }) => ({ block, ttl: ttlClass })).toSorted((a, b) => a.block - b.block);
          expect(markersToAdd(plan, r)).toEqual(markers);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('T12 the bound is the sum over segments, each at its cheapest', () => {
    fc.assert(
      fc.property(plainPrompts, ttlClasses, (prompts, ttlClass) => {
        const write = ttlClass === '1h' ? 2 : 1.25;
        // All cut points long enough, also those that one request alone reaches: c(1) = 1.
        const segments = naiveTree(naiveCutPoints(prompts, 1, false));
        const tokens = new Map(segments.map(({ key, tokens }) => [key, tokens]));
        let [expectedCost, covered] = [0, 0];
        for (const { above, tokens: through, requests } of segments) {
          const segment = through - (above === null ? 0 : (tokens.get(above) as number));
          expectedCost += segment * Math.min(requests, write + 0.1 * (requests - 1));
          covered += segment * requests;
        }
        const all = prompts.reduce((sum, prompt) => sum + tokensOf(prompt), 0);
        const bound = lowerBound(blocksOf(prompts), { minimumTokens, ttlClass });
        expect(bound.cost).toBeCloseTo(expectedCost + all - covered, 6);
        expect(bound.written + bound.read + bound.input).toBe(all);
      }),
      { numRuns: 300 },
    );
  });
});

describe('plans come true on a cache that knows only the public rules', () => {
  const auto: PlanOptions = { markers: 'auto', profile: 'required', minimumTokens };
  const respect: PlanOptions = { ...auto, markers: 'respect' };

  it('T13 what `auto` predicts without markers of the client is what happens, in whatever order', () => {
    fc.assert(
      fc.property(plainPrompts, ttlClasses, fc.infiniteStream(fc.nat()), (prompts, ttlClass, order) => {
        const plan = planPrefixes(blocksOf(prompts), { ...auto, ttlClass });
        const cache = new PrefixCache(MINIMUM);
        const waiting = sentPrompts(plan, prompts);
        for (const pick of order) {
          if (waiting.length === 0) break;
          cache.send(waiting.splice(pick % waiting.length, 1)[0] as Block[]);
        }
        expect(cache.usage).toEqual(predictUsage(plan));
        expect(cost(cache.usage)).toBeGreaterThanOrEqual(
          lowerBound(blocksOf(prompts), { minimumTokens, ttlClass }).cost - 1e-6,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('T13 what `respect` predicts is what happens where requests are marked alike', () => {
    fc.assert(
      fc.property(alikePrompts, (prompts) => {
        const plan = planPrefixes(blocksOf(prompts), respect);
        expect(plan.reach).toBe(null);
        expect(sendAsPlanned(plan, prompts)).toEqual(predictUsage(plan));
      }),
      { numRuns: 300 },
    );
  });

  it.each([respect, auto])(
    'T13 under `$markers` the prediction accounts for every token, whatever is marked',
    (options) => {
      fc.assert(
        fc.property(markedPrompts, (prompts) => {
          const plan = planPrefixes(blocksOf(prompts), options);
          const predicted = predictUsage(plan);
          const all = prompts.reduce((sum, prompt) => sum + tokensOf(prompt), 0);
          expect(total(predicted)).toBe(all);
          expect(Math.min(...Object.values(predicted))).toBeGreaterThanOrEqual(0);
          expect(total(sendAsPlanned(plan, prompts))).toBe(all);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('T10 markers added to the client’s make prompts that the API takes, whatever is marked', () => {
    fc.assert(
      fc.property(markedPrompts, ttlClasses, (prompts, ttlClass) => {
        const plan = planPrefixes(blocksOf(prompts), { ...auto, ttlClass });
        sentPrompts(plan, prompts).forEach((sent) => expect(sent).toSatisfy(markersAreValid));
      }),
      { numRuns: 600 },
    );
  });

  it('T10 under `auto` what is read is never less than predicted, whatever is marked', () => {
    fc.assert(
      fc.property(markedPrompts, (prompts) => {
        const plan = planPrefixes(blocksOf(prompts), auto);
        expect(plan.reach).toBe(null);
        expect(sendAsPlanned(plan, prompts).read).toBeGreaterThanOrEqual(predictUsage(plan).read);
      }),
      { numRuns: 300 },
    );
  });

  it('T13 under `respect` what is read is never less than predicted, where markers are near each other', () => {
    fc.assert(
      fc.property(markedPrompts, (prompts) => {
        fc.pre(prompts.every((prompt) => prompt.length <= 20));
        const plan = planPrefixes(blocksOf(prompts), respect);
        expectEveryNodeToBeWritten(plan);
        expect(sendAsPlanned(plan, prompts).read).toBeGreaterThanOrEqual(predictUsage(plan).read);
      }),
      { numRuns: 300 },
    );
  });

  it('T7 under `respect` a node’s readers find it once it is written, whatever is marked', () => {
    fc.assert(
      fc.property(markedPrompts, (prompts) => {
        const plan = planPrefixes(blocksOf(prompts), respect);
        expectEveryNodeToBeWritten(plan);
        const cache = new PrefixCache(MINIMUM);
        prompts.forEach((prompt) => cache.send(prompt));
        prompts.forEach((prompt, r) => {
          const anchor = plan.anchor[r] as number;
          const { read } = cache.send(prompt);
          expect(read).toBeGreaterThanOrEqual(anchor < 0 ? 0 : (plan.tokens[anchor] as number));
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('prompts of which no two begin alike', () => {
  const profiles = fc.constantFrom<PlanOptions['profile']>('required', 'ignored');
  const modes = fc.constantFrom<PlanOptions['markers']>('auto', 'respect', 'off');
  /** Nobody's: a plan that reckons with what is warm goes the long way. */
  const warm = new Set([-1]);

  it('have the plan that looking at every block of theirs would come to', () => {
    fc.assert(
      fc.property(markedPrompts, modes, profiles, ttlClasses, (prompts, markers, profile, ttlClass) => {
        const apart = prompts.map((prompt, r) => prompt.map((block) => ({ ...block, text: `${r}-${block.text}` })));
        const options: PlanOptions = { markers, profile, minimumTokens, ttlClass };
        const plan = planPrefixes(blocksOf(apart), options);
        expect(plan.nodeCount).toBe(0);
        expect(plan).toEqual(planPrefixes(blocksOf(apart), { ...options, warm }));
      }),
      { numRuns: 300 },
    );
  });

  it('are told from those of which two do', () => {
    fc.assert(
      fc.property(plainPrompts, (prompts) => {
        const first = prompts.flatMap(([block]) => (block === undefined ? [] : [block.text]));
        expect(finishSteps(areAllApart(blocksOf(prompts)))).toBe(new Set(first).size === first.length);
      }),
    );
  });
});
