/**
 * Cancels a batch. Requests that are already with the model may still finish and are then `succeeded`; the others
 * become `canceled`. So the batch is `canceling` first, and what was canceled is known only once it ended.
 *
 *     node examples/dist/cancel.js [batch id]
 */
import Anthropic from '@anthropic-ai/sdk';
import { submitQuestions } from './basic.ts';
import { type Polling, untilEnded } from './poll.ts';

type Batch = Anthropic.Messages.MessageBatch;

/** Cancels the batch named, or a new one, and prints what was still answered. */
export async function main(client: Anthropic, polling?: Polling, batchId?: string): Promise<Batch> {
  const id = batchId ?? (await submitQuestions(client)).id;
  const canceling = await client.messages.batches.cancel(id);
  console.log(`Status: ${canceling.processing_status}`);
  const batch = await untilEnded(client, id, polling);
  console.log(`Status: ${batch.processing_status}`);
  console.log(`Canceled: ${batch.request_counts.canceled}, succeeded: ${batch.request_counts.succeeded}`);
  return batch;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), {}, process.argv[2]);
