import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PromptBlocks } from '../prefix/prompt-blocks.ts';
import { planPrefixes } from '../prefix/plan-prefixes.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import type { PredictedUsage } from '../prefix/predicted-usage.ts';
import { PrefixCache, sentPrompts } from '../prefix/prefix-cache.fixture.ts';
import { blocksOf, type Block } from '../prefix/prompts.fixture.ts';
import { COMMON_RATES } from '../prefix/token-rates.ts';
import { planWaves, type WavePlan } from './waves.ts';

const MINIMUM = 1000;
const OPTIONS = {
  markers: 'auto',
  profile: 'required',
  minimumTokens: () => MINIMUM,
  ttlClass: '1h',
} as const;

const blocks = fc
  .constantFrom(['a', 1000], ['a', 1000], ['b', 700], ['c', 1300])
  .map(([text, tokens]): Block => ({ text: text as string, tokens: tokens as number }));
const workloads = fc
  .array(fc.array(blocks, { maxLength: 6, size: 'max' }), { minLength: 1, maxLength: 60, size: 'max' })
  .chain((prompts) =>
    fc.record({
      prompts: fc.constant(prompts),
      /** Which were answered, and which are planned afterwards. */
      answered: fc.array(fc.boolean(), { minLength: prompts.length, maxLength: prompts.length }),
      planned: fc.array(fc.boolean(), { minLength: prompts.length, maxLength: prompts.length }),
    }),
  );

function some(all: PromptBlocks, chosen: readonly number[]): PromptBlocks {
  const spans = chosen.map((r) => [all.firstBlock[r] ?? 0, all.firstBlock[r + 1] ?? 0] as const);
  const at = spans.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
  let sum = 0;
  return {
    ...all,
    requestCount: chosen.length,
    firstBlock: Uint32Array.from([0, ...spans.map(([from, to]) => (sum += to - from))]),
    hash: Float64Array.from(at, (block) => all.hash[block] ?? 0),
    tokens: Uint32Array.from(at, (block) => all.tokens[block] ?? 0),
    traits: Uint8Array.from(at, (block) => all.traits[block] ?? 0),
    model: Uint16Array.from(chosen, (r) => all.model[r] ?? 0),
  };
}

interface Scene {
  readonly cache: PrefixCache;
  readonly cold: WavePlan;
  readonly warm: WavePlan;
  readonly plan: PlacedPlan;
  readonly identities: ReadonlySet<number>;
  readonly sent: readonly (readonly Block[])[];
}

function sceneOf({
  prompts,
  answered,
  planned,
}: {
  prompts: Block[][];
  answered: boolean[];
  planned: boolean[];
}): Scene {
  const all = blocksOf(prompts);
  const first = planPrefixes(all, OPTIONS);
  const cache = new PrefixCache(MINIMUM, { isByWave: true });
  const identities = new Set<number>();
  sentPrompts(first, prompts).forEach((prompt, r) => {
    if (!(answered[r] ?? false)) return;
    cache.send(prompt);
    for (let v = first.anchor[r] ?? -1; v >= 0; v = first.parent[v] ?? -1) identities.add(first.hash[v] ?? 0);
  });
  cache.endWave();
  const chosen = prompts.flatMap((_, r) => ((planned[r] ?? false) ? [r] : []));
  const rest = some(all, chosen);
  const plan = planPrefixes(rest, { ...OPTIONS, warm: identities });
  const terms = { rates: COMMON_RATES, latencyTokens: 0, maxRequests: 1000 };
  return {
    cache,
    identities,
    plan,
    cold: planWaves(planPrefixes(rest, OPTIONS), terms),
    warm: planWaves(plan, { ...terms, warm: identities }),
    sent: sentPrompts(
      plan,
      chosen.map((r) => prompts[r] ?? []),
    ),
  };
}

const costOf = ({ usage }: WavePlan): number =>
  usage.reduce(
    (sum, { written1h, written5m, read, input }) => sum + 2 * written1h + 1.25 * written5m + 0.1 * read + input,
    0,
  );

describe('what is warm before the first wave', () => {
  it('V11 is read as predicted, wave by wave, and makes nothing dearer', () => {
    let reads = 0;
    fc.assert(
      fc.property(workloads, (workload) => {
        const { cache, warm, cold, sent } = sceneOf(workload);
        const billed = warm.usage.map((_, wave): PredictedUsage => {
          const usage = { written5m: 0, written1h: 0, read: 0, input: 0 };
          for (const batch of warm.batches.filter((each) => each.wave === wave)) {
            for (const request of batch.requests) {
              const each = cache.send(sent[request] ?? []);
              for (const kind of ['written5m', 'written1h', 'read', 'input'] as const) usage[kind] += each[kind];
            }
          }
          cache.endWave();
          return usage;
        });
        expect(billed).toEqual(warm.usage);
        expect(costOf(warm)).toBeLessThanOrEqual(costOf(cold) + 1e-6);
        reads += warm.warm.filter((node) => node >= 0).length;
      }),
      { numRuns: 500 },
    );
    expect(reads).toBeGreaterThan(1000);
  });

  it('V11 is waited for by nobody, and read by whoever nobody leads', () => {
    fc.assert(
      fc.property(workloads, (workload) => {
        const { warm, plan, identities } = sceneOf(workload);
        for (let r = 0; r < plan.requestCount; r++) {
          const node = warm.warm[r] ?? -1;
          if (node >= 0) expect(identities.has(plan.hash[node] ?? 0)).toBe(true);
          if (warm.leader[r] === -1) expect(warm.read[r]).toBe(node < 0 ? 0 : plan.tokens[node]);
          if (node >= 0 && node === plan.anchor[r]) expect([warm.wave[r], warm.leader[r]]).toEqual([0, -1]);
        }
      }),
    );
  });
});
