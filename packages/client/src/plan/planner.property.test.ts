import { PUBLISHED_MODELS, type ModelTable } from '@batchwright/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyText, HOSTED, planned, type PlannedRun } from './planner.fixture.ts';
import { NO_LEADER, type PlanTerms } from './planning.ts';
import { requestText } from './requests.fixture.ts';

/** Few texts, long enough to be cached as soon as there are two, in prompts of many shapes; some that clients marked. */
const texts = fc.constantFrom('a', 'a', 'b', 'c').map((name) => name.repeat(40));
const cheap: ModelTable = { ...PUBLISHED_MODELS, minimumCacheTokens: () => 15 };
const markers = fc.constantFrom(
  undefined,
  undefined,
  undefined,
  { type: 'ephemeral' },
  { type: 'ephemeral', ttl: '1h' },
);
const block = fc
  .tuple(texts, markers)
  .map(([text, cache_control]) => ({ type: 'text', text, ...(cache_control === undefined ? {} : { cache_control }) }));
const content = fc.oneof(texts, fc.array(block, { minLength: 1, maxLength: 3 }));
const params = fc.record(
  {
    tools: fc.constant([{ name: 't', input_schema: { type: 'object' } }]),
    messages: fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content }), {
      minLength: 1,
      maxLength: 2,
    }),
    system: content,
  },
  { requiredKeys: ['messages'] },
);
const models = fc.constantFrom('claude-sonnet-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5', 'llama');
const workloads = fc
  .array(fc.tuple(params, models), { minLength: 1, maxLength: 25 })
  .map((all) => all.map(([each, model], i) => requestText(`r${i}`, each, model)));
const terms: fc.Arbitrary<Partial<PlanTerms>> = fc.record({
  waves: fc.constantFrom('auto', 'auto', 'off'),
  markers: fc.constantFrom('auto', 'auto', 'respect', 'off'),
  placesMarkers: fc.constantFrom(true, true, true, false),
  latencyTokens: fc.constantFrom(0, 50, Infinity),
  models: fc.constant(cheap),
  limits: fc.record({
    requests: fc.constantFrom(1, 3, 7, 100),
    bytes: fc.constantFrom(600, 2000, 10_000_000),
    tokens: fc.constantFrom(40, 200, Infinity),
  }),
});

const LIMIT_MS = 60_000;
/** Shrinking ends in time for the seed to be told. */
const IN_TIME = { plugins: [fc.interruptAfterTimeLimit(LIMIT_MS - 10_000, { failOnInterrupt: true })] };

const forAny = (claim: (run: PlannedRun, lines: readonly string[], given: Partial<PlanTerms>) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(workloads, terms, async (lines, given) => claim(await planned(lines, given), lines, given)),
    { numRuns: 60, ...IN_TIME },
  );

describe('any plan', { timeout: LIMIT_MS }, () => {
  it('has every request in exactly one batch, and no batch empty', async () => {
    await forAny(async ({ planner, batches }, lines) => {
      const numbers: number[] = [];
      for (const [i, batch] of batches.entries()) {
        const { requests } = await planner.members(batch.number);
        expect([batch.number, batch.requests]).toEqual([i, requests.length]);
        expect(requests.length).toBeGreaterThan(0);
        numbers.push(...requests);
      }
      expect(numbers.toSorted((a, b) => a - b)).toEqual([...lines.keys()]);
    });
  });

  it('exceeds no limit, unless a request alone does', async () => {
    await forAny(async ({ batches }, _, { limits = HOSTED.limits }) => {
      for (const { requests, bytes, tokens } of batches) {
        const isWithin = requests <= limits.requests && bytes <= limits.bytes && tokens <= limits.tokens;
        expect(requests === 1 || isWithin).toBe(true);
      }
    });
  });

  it("has a member's leader in a leading batch of the wave before, after which the member's goes", async () => {
    await forAny(async ({ planner, batches }) => {
      const batchOf = new Map<number, number>();
      for (const { number } of batches) {
        for (const request of (await planner.members(number)).requests) batchOf.set(request, number);
      }
      for (const { number, after, wave } of batches) {
        const { leaders } = await planner.members(number);
        const before = new Set(
          [...leaders].filter((leader) => leader !== NO_LEADER).map((leader) => batchOf.get(leader)),
        );
        expect(after).toEqual([...before].toSorted((a, b) => (a ?? 0) - (b ?? 0)));
        for (const batch of after) expect([batches[batch]?.wave, batches[batch]?.isLeading]).toEqual([wave - 1, true]);
      }
    });
  });

  it('announces the bytes of every body, which is the same whenever it is made', async () => {
    await forAny(async ({ planner, batches }) => {
      for (const batch of batches) {
        const body = await bodyText(planner, batch);
        expect(new TextEncoder().encode(body)).toHaveLength(batch.bytes);
        expect((await planner.body(batch)).bytes).toBe(batch.bytes);
        expect(await bodyText(planner, batch)).toBe(body);
      }
    });
  });

  it("sends what came, but for markers: four of them at most, and the client's own unless they are taken out", async () => {
    await forAny(async ({ planner, batches }, lines, given) => {
      for (const batch of batches) {
        const { requests } = await planner.members(batch.number);
        const body = JSON.parse(await bodyText(planner, batch)) as { readonly requests: readonly unknown[] };
        body.requests.forEach((sent, i) => {
          const came: unknown = JSON.parse(lines[requests[i] ?? -1] ?? '');
          expect(unmarked(sent)).toEqual(unmarked(came));
          const [before, after] = [markerCount(came), markerCount(sent)];
          if (given.placesMarkers === false || (given.waves === 'off' && given.markers !== 'off'))
            expect(sent).toEqual(came);
          else if (given.markers === 'off') expect(after).toBe(0);
          else expect(after).toBeGreaterThanOrEqual(before);
          expect(after).toBeLessThanOrEqual(Math.max(4, before));
        });
      }
    });
  });

  it('expects to pay no more than it would all at once', async () => {
    await fc.assert(
      fc.asyncProperty(workloads, terms, async (lines, given) => {
        const plan = { ...given, placesMarkers: true, markers: 'auto', latencyTokens: 0 } as const;
        const priced = lines.map((line) => line.replace('llama', 'claude-haiku-4-5'));
        const sum = ({ batches }: PlannedRun) =>
          batches.reduce((all, batch) => all + (batch.expectedNanoUsd ?? NaN), 0);
        const [inWaves, atOnce] = [
          await planned(priced, { ...plan, waves: 'auto' }),
          await planned(priced, { ...plan, waves: 'off' }),
        ];
        expect(sum(inWaves)).toBeLessThanOrEqual(sum(atOnce));
        expect(tokensOf(inWaves)).toBe(tokensOf(atOnce));
      }),
      { numRuns: 60, ...IN_TIME },
    );
  });
});

const tokensOf = ({ batches }: PlannedRun): number => batches.reduce((sum, { tokens }) => sum + tokens, 0);

/** Without markers, and with every text as the block that it stands for. */
function unmarked(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => unmarked(item));
  if (typeof value === 'string') return key === 'content' || key === 'system' ? [{ type: 'text', text: value }] : value;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name]) => name !== 'cache_control');
  return Object.fromEntries(members.map(([name, each]) => [name, unmarked(each, name)]));
}

function markerCount(value: unknown): number {
  return JSON.stringify(value).split('"cache_control"').length - 1;
}
