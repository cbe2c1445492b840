/**
 * Lists batches, newest first: once letting the SDK fetch page after page, once page by page.
 *
 *     node examples/dist/list-and-page.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { submitQuestions } from './basic.ts';

/** The ids seen by both ways of listing. */
export interface Listing {
  readonly automatic: readonly string[];
  readonly byHand: readonly string[];
  readonly pages: number;
}

async function listAll(client: Anthropic, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const batch of client.messages.batches.list({ limit })) {
    console.log(`${batch.id}: ${batch.processing_status}`);
    ids.push(batch.id);
  }
  return ids;
}

async function listByHand(client: Anthropic, limit: number): Promise<{ ids: string[]; pages: number }> {
  let page = await client.messages.batches.list({ limit });
  let pages = 1;
  const ids = page.data.map((batch) => batch.id);
  while (page.hasNextPage()) {
    page = await page.getNextPage();
    pages++;
    ids.push(...page.data.map((batch) => batch.id));
  }
  return { ids, pages };
}

/** Creates three batches, so that there is something to page through, and lists all there are. */
export async function main(client: Anthropic, limit = 2): Promise<Listing> {
  for (let i = 0; i < 3; i++) await submitQuestions(client);
  const automatic = await listAll(client, limit);
  const { ids: byHand, pages } = await listByHand(client, limit);
  console.log(`${byHand.length} batches on ${pages} pages`);
  return { automatic, byHand, pages };
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
