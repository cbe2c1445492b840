import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import type { BatchCreateParams } from '@anthropic-ai/sdk/resources/messages';

/**
 * A bulk run as most people write it on the official SDK: rows are gathered into batches as large as may be, each is
 * created, all are polled, and their results are written. Nothing survives the process.
 */
const [url = '', model = '', input = '', output = ''] = process.argv.slice(2);
const BATCH_REQUESTS = 100_000;
const POLL_MS = 100;

const client = new Anthropic({ baseURL: url });
const batches: string[] = [];
let requests: BatchCreateParams.Request[] = [];
let row = 0;
for await (const line of createInterface({ input: createReadStream(input) })) {
  const { text } = JSON.parse(line) as { readonly text: string };
  requests.push({
    custom_id: `row-${++row}`,
    params: { model, max_tokens: 100, messages: [{ role: 'user', content: `Classify: ${text}` }] },
  });
  if (requests.length === BATCH_REQUESTS) await send();
}
if (requests.length > 0) await send();
const written = createWriteStream(output);
for (const id of batches) {
  while ((await client.messages.batches.retrieve(id)).processing_status !== 'ended') await delay(POLL_MS);
  for await (const result of await client.messages.batches.results(id)) {
    if (!written.write(`${JSON.stringify(result)}\n`)) await once(written, 'drain');
  }
}
written.end();
await once(written, 'finish');

async function send(): Promise<void> {
  batches.push((await client.messages.batches.create({ requests })).id);
  requests = [];
}
