/**
 * Deletes a batch and its results. Only a batch that ended can be deleted; cancel it first if it still runs.
 *
 *     node examples/dist/delete.js [batch id]
 */
import Anthropic, { NotFoundError } from '@anthropic-ai/sdk';
import { submitQuestions } from './basic.ts';
import { type Polling, untilEnded } from './poll.ts';

async function exists(client: Anthropic, batchId: string): Promise<boolean> {
  try {
    await client.messages.batches.retrieve(batchId);
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/** Deletes the batch named, or a new one once it ended, and looks whether it is gone. */
export async function main(
  client: Anthropic,
  polling?: Polling,
  batchId?: string,
): Promise<{ id: string; gone: boolean }> {
  const { id } = await untilEnded(client, batchId ?? (await submitQuestions(client)).id, polling);
  const deleted = await client.messages.batches.delete(id);
  console.log(`Deleted: ${deleted.id}`);
  const gone = !(await exists(client, id));
  console.log(gone ? 'It can no longer be retrieved.' : 'It is still there!');
  return { id, gone };
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), {}, process.argv[2]);
