/**
 * Reads every result and says what became of each request. `ended` does not mean that all succeeded, and the useful
 * part of an error lies one level deeper than it looks: `result.error` is the envelope, `result.error.error` the error.
 *
 *     node examples/dist/results.js [batch id]
 */
import Anthropic from '@anthropic-ai/sdk';
import { type Polling, untilEnded } from './poll.ts';

type Row = Anthropic.Messages.MessageBatchIndividualResponse;

/** The text of a message, without its thinking and tool blocks. */
export function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

/** One line about one result. */
export function describe({ custom_id, result }: Row): string {
  switch (result.type) {
    case 'succeeded':
      return `${custom_id}: ${textOf(result.message)}`;
    case 'errored':
      return `${custom_id}: Error - ${result.error.error.type}: ${result.error.error.message}`;
    case 'canceled':
      return `${custom_id}: Canceled before it was sent`;
    case 'expired':
      return `${custom_id}: Expired before it was sent`;
    default:
      return result satisfies never;
  }
}

/** A batch with one request that cannot succeed: errors in `params` come as results, not when the batch is created. */
async function submitWithMistake(client: Anthropic): Promise<string> {
  const ask = (model: string): Anthropic.MessageCreateParamsNonStreaming => ({
    model,
    max_tokens: 256,
    messages: [{ role: 'user', content: 'Name three uses of a paper clip.' }],
  });
  const batch = await client.messages.batches.create({
    requests: [
      { custom_id: 'good', params: ask('claude-haiku-4-5') },
      { custom_id: 'bad-model', params: ask('claude-does-not-exist') },
    ],
  });
  return batch.id;
}

/** Prints one line per result of the batch named, or of a new one. */
export async function main(client: Anthropic, polling?: Polling, batchId?: string): Promise<readonly Row[]> {
  const { id } = await untilEnded(client, batchId ?? (await submitWithMistake(client)), polling);
  const rows: Row[] = [];
  for await (const row of await client.messages.batches.results(id)) {
    console.log(describe(row));
    rows.push(row);
  }
  return rows;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), {}, process.argv[2]);
