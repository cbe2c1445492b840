/**
 * A progress line per poll. Batchwright moves the counters while a batch runs; the hosted API keeps every request in
 * `processing` until the whole batch ended, so there the line jumps from 0 % to 100 %.
 *
 *     node examples/dist/monitor-progress.js [batch id]
 */
import Anthropic from '@anthropic-ai/sdk';
import { requestTotal } from './check-status.ts';
import { type Polling, untilEnded } from './poll.ts';

type Batch = Anthropic.Messages.MessageBatch;

/** `Progress: 40.0% (8/20)`. */
export function progressLine(batch: Batch): string {
  const total = requestTotal(batch);
  const completed = total - batch.request_counts.processing;
  return `Progress: ${((completed / total) * 100).toFixed(1)}% (${completed}/${total})`;
}

async function submitHaikus(client: Anthropic): Promise<string> {
  const subjects = ['rain', 'salt', 'wool', 'ash', 'moss', 'rope', 'tin', 'chalk', 'amber', 'clay'];
  const batch = await client.messages.batches.create({
    requests: subjects.map((subject) => ({
      custom_id: `haiku-${subject}`,
      params: {
        model: 'claude-haiku-4-5',
        max_tokens: 100,
        messages: [{ role: 'user', content: `Write a haiku about ${subject}.` }],
      },
    })),
  });
  return batch.id;
}

/** Follows the batch named, or a new one, to its end; answers the lines it printed. */
export async function main(client: Anthropic, polling?: Polling, batchId?: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const show = (batch: Batch): void => {
    const line = progressLine(batch);
    lines.push(line);
    console.log(line);
  };
  show(await untilEnded(client, batchId ?? (await submitHaikus(client)), polling, show));
  return lines;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic(), {}, process.argv[2]);
