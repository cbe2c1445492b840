import { expect, it } from 'vitest';
import type { RunOptions } from './run-options.ts';
import { settingsOf } from './run-settings.ts';

it.each<[RunOptions, RegExp]>([
  [{ attempts: 0 }, /^attempts: 0 will not do; it is a whole number from 1 to 100$/],
  [{ attempts: 1.5 }, /^attempts: 1\.5/],
  [{ queuedRequests: -1 }, /^queuedRequests: -1 .* from 1 on$/],
  [{ batchSize: { requests: 100_001 } }, /^batchSize\.requests: 100001 .* from 1 to 100000$/],
  [{ batchSize: { bytes: 0 } }, /^batchSize\.bytes: 0/],
  [{ batchSize: { tokens: NaN } }, /^batchSize\.tokens: NaN/],
  [{ latencyTokens: -1 }, /^latencyTokens: -1/],
  [{ maxCostUsd: '12 dollars' }, /^maxCostUsd: "12 dollars" is no amount/],
  [{ maxCostUsd: '0' }, /^maxCostUsd: "0"/],
  [{ retry: ['never' as 'errored'] }, /^retry: "never" is no class of failures; there are errored, rate_limited/],
])('%j is refused', (options, message) => {
  expect(() => settingsOf(options)).toThrow(message);
});

it('has a default for everything', () => {
  expect(settingsOf({})).toMatchObject({
    attempts: 3,
    queuedRequests: 100_000,
    batchSize: { requests: 100_000, bytes: 256 * 1024 * 1024, tokens: Infinity },
    retry: new Set(['errored', 'expired']),
    maxNanoUsd: null,
    waves: 'auto',
    markers: 'auto',
  });
});
