import { describe, expect, it } from 'vitest';
import { CORPUS } from './corpus.ts';
import { findCampaign } from './campaigns.ts';

describe('seeds that once failed', () => {
  it.each(CORPUS)('$campaign keeps every promise under seed $seed: $why', async ({ campaign, seed }) => {
    const found = findCampaign(campaign);
    await found.open?.();
    try {
      const { violations } = await found.round(seed);
      expect(violations, `replay with: npm run soak -- ${campaign} --seed ${seed}`).toEqual([]);
    } finally {
      await found.close?.();
    }
  });
});
