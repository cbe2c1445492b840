/**
 * Several questions about one long document, paying for the document once. The document is a block of its own, marked
 * with `cache_control`, and identical in every request; only what follows it differs.
 *
 * A batch runs its requests side by side, so without care most of them find the cache still empty. The reliable way is
 * the one used here: a batch of one request writes the cache, and the batch with the questions follows once that has
 * ended. The marker asks for an hour, since a batch may take longer than five minutes. Whether it worked is told by
 * `cache_read_input_tokens`. A synchronous call would not do as a warm-up: its cache entries need not be visible here.
 *
 *     node examples/dist/cached-document-questions.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LONG_DOCUMENT } from './long-document.ts';
import { type Polling, untilEnded } from './poll.ts';
import { describe } from './results.ts';

type Row = Anthropic.Messages.MessageBatchIndividualResponse;

/** How to wait, and where the answers go. */
export interface DocumentQuestions extends Polling {
  readonly outputDirectory?: string;
}

const QUESTIONS = [
  'What companies are mentioned in this document?',
  'What are the key takeaways from this document?',
  'List all the people mentioned in this document.',
] as const;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

function ask(question: string, maxTokens: number): Anthropic.Messages.BatchCreateParams.Request {
  return {
    // Hashes of document and question: the same question about the same document gets the same file again.
    custom_id: `${hash(LONG_DOCUMENT)}-${hash(question)}`,
    params: {
      model: 'claude-sonnet-5-5',
      max_tokens: maxTokens,
      system: [{ type: 'text', text: LONG_DOCUMENT, cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: [{ role: 'user', content: question }],
    },
  };
}

async function run(client: Anthropic, requests: Anthropic.Messages.BatchCreateParams.Request[], polling: Polling) {
  const { id } = await client.messages.batches.create({ requests });
  await untilEnded(client, id, polling);
  const rows: Row[] = [];
  for await (const row of await client.messages.batches.results(id)) rows.push(row);
  return rows;
}

function cacheLine(row: Row): string {
  if (row.result.type !== 'succeeded') return `${row.custom_id}: ${row.result.type}`;
  const { input_tokens, cache_creation_input_tokens, cache_read_input_tokens } = row.result.message.usage;
  return `${row.custom_id}: input ${input_tokens}, written ${cache_creation_input_tokens}, read ${cache_read_input_tokens}`;
}

/** Warms the cache, asks every question, and saves each result as JSON under its custom_id. */
export async function main(client: Anthropic, options: DocumentQuestions = {}): Promise<readonly Row[]> {
  const { outputDirectory = 'output' } = options;
  for (const row of await run(client, [ask('Answer with one word: are you ready?', 1)], options)) {
    console.log(`Warm-up: ${cacheLine(row)}`);
  }
  const rows = await run(
    client,
    QUESTIONS.map((question) => ask(question, 1024)),
    options,
  );
  await mkdir(outputDirectory, { recursive: true });
  for (const row of rows) {
    console.log(cacheLine(row));
    console.log(describe(row));
    await writeFile(join(outputDirectory, `${row.custom_id}.json`), JSON.stringify(row, null, 2));
  }
  return rows;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
