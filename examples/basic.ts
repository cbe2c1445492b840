/**
 * The smallest batch: two questions in one call. The SDK reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY, so the same
 * program talks to a Batchwright server or to the hosted API.
 *
 *     node examples/dist/basic.js
 */
import Anthropic from '@anthropic-ai/sdk';

type Batch = Anthropic.Messages.MessageBatch;

/** Creates the batch that several other examples start from. */
export async function submitQuestions(client: Anthropic): Promise<Batch> {
  return client.messages.batches.create({
    requests: [
      {
        custom_id: 'request-1',
        params: {
          model: 'claude-haiku-4-5',
          max_tokens: 1024,
          messages: [{ role: 'user', content: 'What is AI?' }],
        },
      },
      {
        custom_id: 'request-2',
        params: {
          model: 'claude-haiku-4-5',
          max_tokens: 1024,
          messages: [{ role: 'user', content: 'What is ML?' }],
        },
      },
    ],
  });
}

/** Creates a batch and prints where it stands. */
export async function main(client: Anthropic): Promise<Batch> {
  const batch = await submitQuestions(client);
  console.log(`Batch ID: ${batch.id}`);
  console.log(`Status: ${batch.processing_status}`);
  console.log(`Created at: ${batch.created_at}`);
  console.log(`Expires at: ${batch.expires_at}`);
  return batch;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
