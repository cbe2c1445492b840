/**
 * One look at a batch. The five counters always add up to the number of requests submitted, so the total is their sum
 * and never `processing + succeeded`.
 *
 *     node examples/dist/check-status.js [batch id]
 */
import Anthropic from '@anthropic-ai/sdk';
import { submitQuestions } from './basic.ts';

type Batch = Anthropic.Messages.MessageBatch;

/** How many requests a batch was created with. */
export function requestTotal(batch: Batch): number {
  const { processing, succeeded, errored, canceled, expired } = batch.request_counts;
  return processing + succeeded + errored + canceled + expired;
}

/** Retrieves the batch named, or a new one, and prints its state. */
export async function main(client: Anthropic, batchId?: string): Promise<Batch> {
  const id = batchId ?? (await submitQuestions(client)).id;
  const batch = await client.messages.batches.retrieve(id);
  console.log(`Status: ${batch.processing_status}`);
  console.log(`Succeeded: ${batch.request_counts.succeeded}/${requestTotal(batch)}`);
  console.log(`Errored: ${batch.request_counts.errored}`);
  return batch;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), process.argv[2]);
