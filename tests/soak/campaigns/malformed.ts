import { malformedRound } from '../../security/malformed-round.ts';
import type { Campaign } from '../campaign.ts';

/** Things said to one server before it is started anew. */
const CASES = 1000;

/** R3: malformed and mutated calls to every route, a million in all: no 5xx, no crash, no trace, errors in the envelope. */
export const malformed: Campaign = {
  id: 'R3',
  name: 'malformed input',
  rounds: 1000,
  async round(seed) {
    const { violations, cases, accepted, statuses } = await malformedRound(seed, CASES);
    const byStatus = [...statuses].map(([status, count]) => [`answered ${status}`, count] as const);
    return { violations, counts: { cases, accepted, ...Object.fromEntries(byStatus) } };
  },
};
