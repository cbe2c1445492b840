import { liveThrough, STEPS } from '../../simulation/history.ts';
import type { Campaign } from '../campaign.ts';

/** A whole server in virtual time, in a history of its own for each seed. */
export const simulation: Campaign = {
  id: 'R2',
  name: 'faults in virtual time',
  rounds: 10_000,
  isParallel: true,
  async round(seed) {
    const { violations, counts } = await liveThrough(seed, STEPS);
    return { violations, counts };
  },
};
