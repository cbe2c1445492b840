import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';
import { directory, requests, run, store, url } from './peer-run.js';

/** The official SDK as for the Message Batches API, pointed at a Batchwright: create, poll, download. */
const POLL_MS = 100;
const client = new Anthropic({ apiKey: store.apiKey, baseURL: url, maxRetries: 10 });
const idFile = `${directory}/batch-id`;

await run(async () => {
  if (!existsSync(idFile)) writeFileSync(idFile, (await client.messages.batches.create({ requests })).id);
  const id = readFileSync(idFile, 'utf8');
  while ((await client.messages.batches.retrieve(id)).processing_status !== 'ended') {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const lines = [];
  for await (const result of await client.messages.batches.results(id)) {
    lines.push(`${JSON.stringify(result)}\n`);
  }
  writeFileSync(`${directory}/results.jsonl`, lines.join(''));
});
