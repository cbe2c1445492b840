import { foreignRound } from '../../security/foreign-round.ts';
import type { Campaign } from '../campaign.ts';

/** Questions to one server before it is started anew. */
const QUESTIONS = 500;

/** R6: every route with ids, cursors and custom_ids of another workspace, always indistinguishable from missing. */
export const isolation: Campaign = {
  id: 'R6',
  name: 'isolation of workspaces',
  rounds: 200,
  async round(seed) {
    const { violations, questions } = await foreignRound(seed, QUESTIONS);
    return { violations, counts: { questions } };
  },
};
