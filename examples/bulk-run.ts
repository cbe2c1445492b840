/**
 * Any number of requests in one loop, and the answers as they come. The run reads and checks all requests first, cuts them
 * into batches under the API's limits, follows these, and tries again what failed in passing. Nothing is kept: what a
 * program that ends early leaves behind, `bulk-resume` takes up again.
 *
 *     node examples/dist/bulk-run.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BulkRequest, type RunReport } from '@batchwright/client';

const REVIEWS = [
  'Arrived early, works as it should.',
  'The handle came off in my hand.',
  'Exactly like the picture, only smaller.',
];

/** They are taken one by one and not held, so that they may come from a file or a database of any size. */
async function* requests(): AsyncGenerator<BulkRequest> {
  for (const [i, review] of REVIEWS.entries()) {
    const messages = [{ role: 'user', content: `Is this review good or bad? ${review}` }];
    yield { custom_id: `review-${i}`, params: { model: 'claude-haiku-4-5', max_tokens: 64, messages } };
  }
}

/** Asks about every review, prints each answer as it is known, and answers the closing report. */
export async function main(client: Anthropic): Promise<RunReport> {
  const run = runBatch(requests(), { client });
  for await (const { customId, result } of run) {
    const [block] = result.type === 'succeeded' ? result.message.content : [];
    console.log(`${customId}: ${block?.type === 'text' ? block.text : result.type}`);
  }
  const end = await run.settle();
  if (end.type !== 'settled') throw new Error(`The run is ${end.type}`);
  const { counts, requests: total } = end.report;
  console.log(`${counts.succeeded} of ${total} succeeded`);
  return end.report;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
