import {
  decodePlan,
  PUBLISHED_MODELS,
  UPSTREAM_PROFILES,
  type MarkerMode,
  type UpstreamProfile,
} from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { planBatch, planOptions } from './batch-plan.ts';

const MINUTES = 60_000;
const MODEL = 'claude-sonnet-4-5';

/** So many requests that share a block of 2,000 tokens and have one of 50 of their own. */
function sharing(requestCount: number) {
  const blocks = 2 * requestCount;
  return {
    requestCount,
    firstBlock: Uint32Array.from({ length: requestCount + 1 }, (_, request) => 2 * request),
    hash: Float64Array.from({ length: blocks }, (_, block) => (block % 2 === 0 ? 1 : block + 1)),
    tokens: Uint32Array.from({ length: blocks }, (_, block) => (block % 2 === 0 ? 2000 : 2050)),
    traits: new Uint8Array(blocks).fill(4),
    model: new Uint16Array(requestCount),
    models: [MODEL],
  };
}

/** How long the entries of a batch are to live, prefix by prefix, where calls take so long; null without a plan. */
async function planned(requestCount: number, callMs: number, markers: MarkerMode = 'auto') {
  const { bytes, prediction } = await planBatch(
    sharing(requestCount),
    { markers, budgetNanoUsd: null },
    { profile: UPSTREAM_PROFILES.anthropic, models: PUBLISHED_MODELS },
    callMs,
    { isBatch: true, atMs: Date.UTC(2026, 10, 21) },
  );
  const plan = bytes === null ? null : decodePlan(Uint8Array.from(bytes));
  return { ttl: plan === null ? null : [...plan.ttl], prediction };
}

describe('planning', () => {
  const turnsOf = async (requestCount: number): Promise<number> => {
    let turns = 0;
    let isPlanned = false;
    const count = (): void => {
      if (isPlanned) return;
      turns++;
      setImmediate(count);
    };
    setImmediate(count);
    await planned(requestCount, 10_000);
    isPlanned = true;
    return turns;
  };

  it('lets others have a turn again and again while a large batch is planned, and keeps a small one short', async () => {
    expect(await turnsOf(100)).toBe(0);
    expect(await turnsOf(100_000)).toBeGreaterThan(20);
  });
});

describe('how long the entries at markers of ours live', () => {
  it('is five minutes, and an hour once calls take more than four minutes on average', async () => {
    expect((await planned(3, 10_000)).ttl).toEqual([0]);
    expect((await planned(3, 4 * MINUTES)).ttl).toEqual([0]);
    expect((await planned(3, 4 * MINUTES + 1)).ttl).toEqual([1]);
  });

  it('is an hour only where three share what is written', async () => {
    expect((await planned(2, 4 * MINUTES)).ttl).toEqual([0]);
    expect((await planned(2, 5 * MINUTES)).ttl).toBeNull();
  });

  it('is what the prediction reckons with', async () => {
    const written = async (callMs: number) => {
      const { prediction } = await planned(3, callMs);
      return [...prediction.totals.values()].map((totals) => [totals.write5mTokens, totals.write1hTokens]);
    };
    expect(await written(4 * MINUTES)).toEqual([[2000, 0]]);
    expect(await written(5 * MINUTES)).toEqual([[0, 2000]]);
  });

  it('is the client’s own choice where only its markers count, and nobody’s where the upstream needs none', () => {
    const ttlClass = (markers: MarkerMode, profile: UpstreamProfile) =>
      planOptions(markers, { profile, models: PUBLISHED_MODELS }, 10 * MINUTES).ttlClass;
    expect(ttlClass('auto', UPSTREAM_PROFILES.anthropic)).toBe('1h');
    expect(ttlClass('respect', UPSTREAM_PROFILES.anthropic)).toBe('5m');
    expect(ttlClass('auto', UPSTREAM_PROFILES.vllm)).toBe('5m');
  });
});
