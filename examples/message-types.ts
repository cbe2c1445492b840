/**
 * Four kinds of message in one batch: a simple question, an image, a system prompt, and a conversation of several
 * turns. Requests of a batch are independent of each other, also in model and features.
 *
 *     node examples/dist/message-types.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { type Polling, untilEnded } from './poll.ts';
import { describe } from './results.ts';
import { sunsetPng } from './small-png.ts';

type Request = Anthropic.Messages.BatchCreateParams.Request;
type Row = Anthropic.Messages.MessageBatchIndividualResponse;

const MODEL = { model: 'claude-haiku-4-5', max_tokens: 1024 } as const;

const SIMPLE_QUESTION: Request = {
  custom_id: 'simple-question',
  params: { ...MODEL, messages: [{ role: 'user', content: 'What is quantum computing?' }] },
};

const IMAGE_ANALYSIS: Request = {
  custom_id: 'image-analysis',
  params: {
    ...MODEL,
    messages: [
      {
        role: 'user',
        content: [
          {
            type: 'image',
            source: { type: 'base64', media_type: 'image/png', data: sunsetPng().toString('base64') },
          },
          { type: 'text', text: 'Describe this image.' },
        ],
      },
    ],
  },
};

const SYSTEM_PROMPT: Request = {
  custom_id: 'system-prompt',
  params: {
    ...MODEL,
    system: 'You are a patient science teacher.',
    messages: [{ role: 'user', content: 'Explain gravity to a five-year-old.' }],
  },
};

const MULTI_TURN: Request = {
  custom_id: 'multi-turn',
  params: {
    ...MODEL,
    messages: [
      { role: 'user', content: 'What is DNA?' },
      { role: 'assistant', content: 'DNA is the molecule that carries genetic information.' },
      { role: 'user', content: 'How does it replicate?' },
    ],
  },
};

function summary(batch: Anthropic.Messages.MessageBatch): string {
  const { succeeded, errored, processing, canceled, expired } = batch.request_counts;
  return [
    `Batch ${batch.id}: ${batch.processing_status}`,
    `Created: ${batch.created_at}`,
    `Ended: ${batch.ended_at}`,
    `Succeeded ${succeeded}, errored ${errored}, processing ${processing}, canceled ${canceled}, expired ${expired}`,
  ].join('\n');
}

/** Runs the four requests and prints a summary, then every result. */
export async function main(client: Anthropic, polling?: Polling): Promise<readonly Row[]> {
  const created = await client.messages.batches.create({
    requests: [SIMPLE_QUESTION, IMAGE_ANALYSIS, SYSTEM_PROMPT, MULTI_TURN],
  });
  console.log(summary(await untilEnded(client, created.id, polling)));
  const rows: Row[] = [];
  for await (const row of await client.messages.batches.results(created.id)) {
    rows.push(row);
    console.log(describe(row));
  }
  return rows;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
