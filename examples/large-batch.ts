/**
 * Thousands of questions in one batch, and their results written to a file as they arrive. A batch takes up to 100,000
 * requests and 256 MB. The file is complete only if it has as many lines as the batch had requests, which is worth
 * checking: a connection cut at the end of a line looks like a complete file.
 *
 *     node examples/dist/large-batch.js [number of questions]
 */
import Anthropic from '@anthropic-ai/sdk';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { requestTotal } from './check-status.ts';
import { type Polling, untilEnded } from './poll.ts';

type Requests = Anthropic.Messages.BatchCreateParams['requests'];

/** What to ask and where the results go. */
export interface LargeBatch extends Polling {
  readonly questions?: number;
  readonly file?: string;
}

function arithmetic(count: number): Requests {
  return Array.from({ length: count }, (_, i) => ({
    custom_id: `question-${i}`,
    params: {
      model: 'claude-haiku-4-5',
      max_tokens: 64,
      messages: [{ role: 'user', content: `What is ${i} times ${i + 1}? Answer with the number alone.` }],
    },
  }));
}

/** Streams the results of an ended batch to a file; answers how many there were. */
async function save(client: Anthropic, batchId: string, file: string): Promise<number> {
  const out = createWriteStream(file);
  let lines = 0;
  for await (const row of await client.messages.batches.results(batchId)) {
    lines++;
    if (!out.write(`${JSON.stringify(row)}\n`)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
  return lines;
}

/** Submits the questions as one batch, waits, and saves what came back. */
export async function main(client: Anthropic, options: LargeBatch = {}): Promise<{ file: string; lines: number }> {
  const { questions = 2_000, file = 'large-batch-results.jsonl' } = options;
  const created = await client.messages.batches.create({ requests: arithmetic(questions) });
  console.log(`Batch ${created.id} with ${questions} questions`);
  const batch = await untilEnded(client, created.id, options, (seen) => {
    console.log(`${questions - seen.request_counts.processing}/${questions} done`);
  });
  const lines = await save(client, batch.id, file);
  if (lines !== requestTotal(batch)) throw new Error(`${file} has ${lines} results of ${requestTotal(batch)}`);
  console.log(`Saved ${lines} results to ${file}`);
  return { file, lines };
}

if (process.argv[1] === import.meta.filename) {
  await main(new Anthropic(), process.argv[2] === undefined ? {} : { questions: Number(process.argv[2]) });
}
