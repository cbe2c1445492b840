/**
 * Waits for a batch to end. The server says with `retry-after` how long a poll may wait; ten seconds is what it asks
 * for, and a shorter pause only costs requests.
 *
 *     node examples/dist/poll.js [batch id]
 */
import Anthropic from '@anthropic-ai/sdk';
import { setTimeout as pause } from 'node:timers/promises';
import { submitQuestions } from './basic.ts';

type Batch = Anthropic.Messages.MessageBatch;

/** How an example waits between two polls. */
export interface Polling {
  readonly pollMs?: number;
}

/** Polls until the batch ended, telling `onPoll` what each poll before that saw. */
export async function untilEnded(
  client: Anthropic,
  batchId: string,
  { pollMs = 2_000 }: Polling = {},
  onPoll: (batch: Batch) => void = () => {},
): Promise<Batch> {
  for (;;) {
    const batch = await client.messages.batches.retrieve(batchId);
    if (batch.processing_status === 'ended') return batch;
    onPoll(batch);
    await pause(pollMs);
  }
}

/** Polls the batch named, or a new one, until it ended. */
export async function main(client: Anthropic, polling?: Polling, batchId?: string): Promise<Batch> {
  const id = batchId ?? (await submitQuestions(client)).id;
  const batch = await untilEnded(client, id, polling, (seen) => {
    console.log(`Processing: ${seen.request_counts.processing} requests remaining`);
  });
  console.log(`Batch complete: ${batch.request_counts.succeeded} succeeded, ${batch.request_counts.errored} errored`);
  return batch;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), {}, process.argv[2]);
