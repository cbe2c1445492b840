import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { CAMPAIGNS, findCampaign } from './campaigns.ts';
import type { Campaign, RoundReport } from './campaign.ts';

/**
 * Where `scripts/soak.mjs` has its rounds run: it says what to do in the environment, and reads what came of it from a
 * file, a line for each round. No test that `npm test` knows of: without an order there is no project that includes it.
 */
type Order =
  | { readonly type: 'list'; readonly out: string }
  | {
      readonly type: 'rounds';
      readonly campaign: string;
      readonly from: number;
      readonly to: number;
      readonly out: string;
      /** Rounds go on for as long as this file is there. */
      readonly go: string;
    };

const order = JSON.parse(process.env['BATCHWRIGHT_SOAK'] ?? 'null') as Order;

it('does what it was told', async () => {
  if (order.type === 'list') {
    const list = CAMPAIGNS.map(({ id, name, rounds, isParallel = false }) => ({ id, name, rounds, isParallel }));
    return writeFileSync(order.out, JSON.stringify(list));
  }
  const campaign = findCampaign(order.campaign);
  // Whoever ordered the rounds may be killed; nobody would read them then.
  const parent = process.ppid;
  await campaign.open?.();
  try {
    for (let seed = order.from; seed < order.to; seed++) {
      if (!existsSync(order.go) || process.ppid !== parent) break;
      appendFileSync(order.out, `${JSON.stringify({ seed, ...(await roundOf(campaign, seed)) })}\n`);
    }
  } finally {
    await campaign.close?.();
  }
});

/** A round that breaks is told like one that found something: it says as little for the server. */
async function roundOf(campaign: Campaign, seed: number): Promise<RoundReport> {
  try {
    return await campaign.round(seed);
  } catch (error) {
    return { violations: [`the round broke: ${error instanceof Error ? error.stack : String(error)}`], counts: {} };
  }
}
