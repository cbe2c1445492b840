import type { Campaign } from './campaign.ts';
import { connections } from './campaigns/connections.ts';
import { fullDisk } from './campaigns/full-disk.ts';
import { isolation } from './campaigns/isolation.ts';
import { kills } from './campaigns/kills.ts';
import { malformed } from './campaigns/malformed.ts';
import { simulation } from './campaigns/simulation.ts';
import { virtualDay } from './campaigns/virtual-day.ts';

/** Every campaign, in the order in which `npm run soak` runs them. */
export const CAMPAIGNS: readonly Campaign[] = [
  kills,
  simulation,
  malformed,
  fullDisk,
  connections,
  isolation,
  virtualDay,
];

/** The campaign of an id; the ids are few, so that a wrong one is answered with all of them. */
export function findCampaign(id: string): Campaign {
  const found = CAMPAIGNS.find((campaign) => campaign.id === id);
  if (found !== undefined) return found;
  throw new Error(`there is no campaign ${id}, only ${CAMPAIGNS.map((campaign) => campaign.id).join(', ')}`);
}
