import { liveADay } from '../../simulation/day.ts';
import type { Campaign } from '../campaign.ts';

/** A day of many workspaces' traffic with everything on, and the month after it. */
export const virtualDay: Campaign = {
  id: 'virtual-day',
  name: '24 h of virtual traffic',
  rounds: 20,
  isParallel: true,
  async round(seed) {
    const { violations, counts } = await liveADay(seed);
    return { violations, counts };
  },
};
