/**
 * Matches results to requests. They come in any order, so a custom_id is the only thing that ties the two together.
 *
 *     node examples/dist/results-by-id.js [batch id]
 */
import Anthropic from '@anthropic-ai/sdk';
import { submitQuestions } from './basic.ts';
import { type Polling, untilEnded } from './poll.ts';
import { textOf } from './results.ts';

/** The answers of an ended batch by custom_id; a request that did not succeed is there with its reason. */
export async function resultsById(client: Anthropic, batchId: string): Promise<Map<string, string>> {
  const byId = new Map<string, string>();
  for await (const { custom_id, result } of await client.messages.batches.results(batchId)) {
    if (result.type === 'succeeded') byId.set(custom_id, textOf(result.message));
    else if (result.type === 'errored') byId.set(custom_id, `Error: ${result.error.error.message}`);
    else byId.set(custom_id, `Not run: ${result.type}`);
  }
  return byId;
}

/** Prints the answer to `request-1`, then how many answers there are. */
export async function main(client: Anthropic, polling?: Polling, batchId?: string): Promise<Map<string, string>> {
  const { id } = await untilEnded(client, batchId ?? (await submitQuestions(client)).id, polling);
  const byId = await resultsById(client, id);
  console.log(byId.get('request-1') ?? 'There was no request-1 in this batch.');
  console.log(`${byId.size} results by custom_id`);
  return byId;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), {}, process.argv[2]);
