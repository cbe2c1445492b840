import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planPrefixes } from '../prefix/plan-prefixes.ts';
import type { PlacedPlan } from '../prefix/placed-plan.ts';
import { predictUsage, type PredictedUsage } from '../prefix/predicted-usage.ts';
import { markersAreValid, PrefixCache, sentPrompts } from '../prefix/prefix-cache.fixture.ts';
import { blocksOf, type Block } from '../prefix/prompts.fixture.ts';
import { COMMON_RATES, TTL_CODES, type MarkerTtl } from '../prefix/token-rates.ts';
import { planWaves, type WavePlan } from './waves.ts';

const MINIMUM = 1000;
const minimumTokens = (): number => MINIMUM;
/** Few texts and many prompts, so that trees are deep; a text decides the length of its block. */
const plainBlock = fc
  .constantFrom(['a', 1000], ['a', 1000], ['b', 700], ['c', 1300])
  .map(([text, tokens]): Block => ({ text: text as string, tokens: tokens as number }));
const plainPrompts = fc.array(fc.array(plainBlock, { maxLength: 4, size: 'max' }), {
  minLength: 1,
  maxLength: 90,
  size: 'max',
});
const markedPrompts = fc.array(
  fc
    .array(
      fc
        .tuple(plainBlock, fc.constantFrom<MarkerTtl | undefined>(undefined, '1h', '1h', '1h', '1h', '5m'))
        .map(([block, mark]): Block => ({ ...block, mark })),
      { maxLength: 4, size: 'max' },
    )
    .filter(markersAreValid),
  { minLength: 1, maxLength: 60, size: 'max' },
);
const latencies = fc.constantFrom(0, 3000, 10_000, 30_000, Infinity);
const NOTHING: PredictedUsage = { written5m: 0, written1h: 0, read: 0, input: 0 };

function waves(plan: PlacedPlan, latencyTokens: number): WavePlan {
  return planWaves(plan, { rates: COMMON_RATES, latencyTokens, maxRequests: 7 });
}

const plus = (a: PredictedUsage, b: PredictedUsage): PredictedUsage => ({
  written5m: a.written5m + b.written5m,
  written1h: a.written1h + b.written1h,
  read: a.read + b.read,
  input: a.input + b.input,
});
const allTokens = ({ written5m, written1h, read, input }: PredictedUsage): number =>
  written5m + written1h + read + input;
const tokensOf = (prompts: readonly (readonly Block[])[]): number =>
  prompts.flat().reduce((sum, { tokens }) => sum + tokens, 0);

/** The prefixes on a request's path, the deepest first. */
function pathOf(plan: PlacedPlan, request: number): number[] {
  const path: number[] = [];
  for (let v = plan.anchor[request] ?? -1; v >= 0; v = plan.parent[v] ?? -1) path.push(v);
  return path;
}

/** The deepest on its path that lives an hour, as all above it do. */
function lastingOf(plan: PlacedPlan, request: number): number | undefined {
  const fromTop = pathOf(plan, request).toReversed();
  const short = fromTop.findIndex((v) => plan.ttl[v] !== TTL_CODES['1h']);
  return fromTop.slice(0, short < 0 ? undefined : short).at(-1);
}

const kidsOf = (plan: PlacedPlan, v: number): number[] =>
  [...plan.parent.keys()].filter((kid) => plan.parent[kid] === v);
const rootsOf = (plan: PlacedPlan): number[] => kidsOf(plan, -1);

/** Waves after the one that writes a prefix until all below it is done, whoever of those below is its leader. */
function fewestAfter(plan: PlacedPlan, v: number): number {
  const kids = kidsOf(plan, v).map((kid) => fewestAfter(plan, kid));
  const anchored = plan.anchor.filter((anchor) => anchor === v).length;
  const later = (i: number): number => Math.max(0, ...kids.map((after, j) => (i === j ? after : after + 1)));
  const choices = kids.map((_, i) => Math.max(later(i), anchored > 0 ? 1 : 0));
  return Math.min(...choices, ...(anchored > 0 ? [Math.max(later(-1), anchored > 1 ? 1 : 0)] : []));
}

/** What each wave is billed for by a cache that knows nothing of plans. */
function billed(plan: PlacedPlan, prompts: readonly (readonly Block[])[], { waveCount, batches }: WavePlan) {
  const sent = sentPrompts(plan, prompts);
  const cache = new PrefixCache(MINIMUM, { isByWave: true });
  return Array.from({ length: waveCount }, (_, wave) => {
    const requests = batches.flatMap((batch) => (batch.wave === wave ? [...batch.requests] : []));
    const usage = requests.map((request) => cache.send(sent[request] ?? [])).reduce(plus, NOTHING);
    cache.endWave();
    return usage;
  });
}

const markedPlans = fc
  .tuple(markedPrompts, fc.constantFrom('respect' as const, 'auto' as const))
  .map(([prompts, markers]) => ({
    prompts,
    plan: planPrefixes(blocksOf(prompts), { markers, profile: 'required', minimumTokens, ttlClass: '1h' }),
  }));
const plainPlans = plainPrompts.map((prompts) => ({
  prompts,
  plan: planPrefixes(blocksOf(prompts), { markers: 'auto', profile: 'required', minimumTokens, ttlClass: '1h' }),
}));

describe('waves of any plan', () => {
  it('V3 every request is in exactly one wave, and in one batch of it', () => {
    fc.assert(
      fc.property(markedPlans, latencies, ({ plan }, latencyTokens) => {
        const { batches, wave, isLeader, waveCount } = waves(plan, latencyTokens);
        const sent = batches.flatMap(({ requests }) => [...requests]).toSorted((a, b) => a - b);
        expect(sent).toEqual(Array.from({ length: plan.requestCount }, (_, r) => r));
        for (const batch of batches) {
          expect(batch.requests.length).toBeLessThanOrEqual(7);
          for (const r of batch.requests) expect([wave[r], isLeader[r] === 1]).toEqual([batch.wave, batch.isLeading]);
        }
        expect(new Set(wave).size).toBe(waveCount);
      }),
    );
  });

  it('V4 a follower goes in a later wave than a leader that writes its prefix', () => {
    fc.assert(
      fc.property(markedPlans, latencies, ({ plan }, latencyTokens) => {
        const { wave, isLeader } = waves(plan, latencyTokens);
        for (let r = 0; r < plan.requestCount; r++) {
          const last = lastingOf(plan, r);
          if (last === undefined || isLeader[r] === 1) continue;
          const writes = (leader: number): boolean => {
            const reach = plan.reach === null ? Infinity : (plan.reach[leader] ?? 0);
            return pathOf(plan, leader).slice(0, reach).includes(last);
          };
          const leads = [...isLeader.keys()].filter((leader) => isLeader[leader] === 1 && writes(leader));
          expect(Math.min(...leads.map((leader) => wave[leader] ?? Infinity))).toBeLessThan(wave[r] ?? 0);
        }
      }),
    );
  });

  it('V10 a request reads what its leader wrote or read in an earlier wave', () => {
    fc.assert(
      fc.property(markedPlans, latencies, ({ plan }, latencyTokens) => {
        const { wave, leader, read, written1h } = waves(plan, latencyTokens);
        for (let r = 0; r < plan.requestCount; r++) {
          const writer = leader[r] ?? -1;
          expect(writer === -1).toBe(read[r] === 0);
          if (writer === -1) continue;
          expect(wave[writer]).toBeLessThan(wave[r] ?? 0);
          expect(written1h[writer]).toBeGreaterThan(0);
          const shared = pathOf(plan, r).filter((v) => pathOf(plan, writer).includes(v));
          expect(shared.map((v) => plan.tokens[v])).toContain(read[r]);
          expect(read[r]).toBeLessThanOrEqual((read[writer] ?? 0) + (written1h[writer] ?? 0));
        }
      }),
    );
  });

  it('V7 the usage of all waves sums to the tokens of all prompts', () => {
    fc.assert(
      fc.property(markedPlans, latencies, ({ prompts, plan }, latencyTokens) => {
        const { usage } = waves(plan, latencyTokens);
        expect(allTokens(usage.reduce(plus, NOTHING))).toBe(tokensOf(prompts));
        for (const kind of ['written5m', 'written1h', 'read', 'input'] as const) {
          for (const each of usage) expect(each[kind]).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe('waves of prompts that the client did not mark', () => {
  it('V7 the prediction of each wave comes true where no wave can read what it writes', () => {
    fc.assert(
      fc.property(plainPlans, latencies, ({ prompts, plan }, latencyTokens) => {
        const planned = waves(plan, latencyTokens);
        expect(billed(plan, prompts, planned)).toEqual(planned.usage);
      }),
      { numRuns: 300 },
    );
  });

  it('V1 nothing is written twice while time is worth nothing', () => {
    fc.assert(
      fc.property(plainPlans, ({ plan }) => {
        expect(waves(plan, 0).usage.reduce(plus, NOTHING)).toEqual(predictUsage(plan));
      }),
    );
  });

  it('V1 there are as few as any choice of leaders allows', () => {
    fc.assert(
      fc.property(plainPlans, ({ plan }) => {
        expect(waves(plan, 0).waveCount).toBe(1 + Math.max(0, ...rootsOf(plan).map((v) => fewestAfter(plan, v))));
      }),
    );
  });

  it('V5 a wave that is taken out costs less than it is worth, and there are never more for it', () => {
    fc.assert(
      fc.property(fc.oneof(plainPlans, markedPlans), latencies, ({ plan }, latencyTokens) => {
        const [apart, merged] = [waves(plan, 0), waves(plan, latencyTokens)];
        const written = (of: WavePlan): number => of.usage.reduce(plus, NOTHING).written1h;
        const saved = apart.waveCount - merged.waveCount;
        const more = (written(merged) - written(apart)) * (COMMON_RATES.write1h - COMMON_RATES.read);
        expect(saved).toBeGreaterThanOrEqual(0);
        if (saved === 0) expect(more).toBe(0);
        else expect(more).toBeLessThan(saved * latencyTokens);
      }),
    );
  });
});
