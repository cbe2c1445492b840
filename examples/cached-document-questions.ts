/**
 * Several questions about one long document, paying for the document once. The document is a block of its own, marked
 * with `cache_control`, and identical in every request; only what follows it differs. That is all there is to do: the
 * batch server sends one of the requests first and the others once the document is in the cache.
 *
 * The recipe of old warms the cache with a call of its own before the batch. It still runs, with `--warm-up`, so that
 * the two can be compared: the call pays for the document a second time, without the batch discount, and a batch need
 * not find what a synchronous call has written. Leave five minutes between the two, or the second batch finds the
 * document that the first has stored.
 *
 *     node examples/dist/cached-document-questions.js
 *     node examples/dist/cached-document-questions.js --warm-up
 */
import Anthropic from '@anthropic-ai/sdk';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LONG_DOCUMENT } from './long-document.ts';
import { type Polling, untilEnded } from './poll.ts';
import { describe } from './results.ts';

type Row = Anthropic.Messages.MessageBatchIndividualResponse;
type Usage = Anthropic.Messages.Usage;

/** How to wait, where the answers go, and whether a call of its own shall warm the cache. */
export interface DocumentQuestions extends Polling {
  readonly outputDirectory?: string;
  readonly warmUp?: boolean;
}

/** What the warm-up used, if there was one, and the batch's results. */
export interface DocumentAnswers {
  readonly warmUp: Usage | null;
  readonly rows: readonly Row[];
}

const QUESTIONS = [
  'What companies are mentioned in this document?',
  'What are the key takeaways from this document?',
  'List all the people mentioned in this document.',
] as const;

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const MODEL = 'claude-sonnet-5-5';
const DOCUMENT: Anthropic.Messages.TextBlockParam = {
  type: 'text',
  text: LONG_DOCUMENT,
  cache_control: { type: 'ephemeral' },
};

function ask(question: string): Anthropic.Messages.BatchCreateParams.Request {
  return {
    // Hashes of document and question: the same question about the same document gets the same file again.
    custom_id: `${hash(LONG_DOCUMENT)}-${hash(question)}`,
    params: { model: MODEL, max_tokens: 1024, system: [DOCUMENT], messages: [{ role: 'user', content: question }] },
  };
}

async function warmCache(client: Anthropic): Promise<Usage> {
  const messages: Anthropic.Messages.MessageParam[] = [{ role: 'user', content: 'Are you ready?' }];
  const { usage } = await client.messages.create({ model: MODEL, max_tokens: 1, system: [DOCUMENT], messages });
  console.log(`Warm-up: ${usageLine(usage)}`);
  return usage;
}

async function run(client: Anthropic, requests: Anthropic.Messages.BatchCreateParams.Request[], polling: Polling) {
  const { id } = await client.messages.batches.create({ requests });
  await untilEnded(client, id, polling);
  const rows: Row[] = [];
  for await (const row of await client.messages.batches.results(id)) rows.push(row);
  return rows;
}

function usageLine({ input_tokens, cache_creation_input_tokens, cache_read_input_tokens }: Usage): string {
  return `input ${input_tokens}, written ${cache_creation_input_tokens}, read ${cache_read_input_tokens}`;
}

/** Asks every question in one batch, and saves each result as JSON under its custom_id. */
export async function main(client: Anthropic, options: DocumentQuestions = {}): Promise<DocumentAnswers> {
  const { outputDirectory = 'output', warmUp = false } = options;
  const warmed = warmUp ? await warmCache(client) : null;
  const rows = await run(client, QUESTIONS.map(ask), options);
  await mkdir(outputDirectory, { recursive: true });
  for (const row of rows) {
    if (row.result.type === 'succeeded') console.log(`${row.custom_id}: ${usageLine(row.result.message.usage)}`);
    console.log(describe(row));
    await writeFile(join(outputDirectory, `${row.custom_id}.json`), JSON.stringify(row, null, 2));
  }
  return { warmUp: warmed, rows };
}

if (process.argv[1] === import.meta.filename) {
  await main(new Anthropic(), { warmUp: process.argv.includes('--warm-up') });
}
