import { writeFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';
import pLimit from 'p-limit';
import { concurrency, directory, requests, run, url } from './peer-run.js';

/** The official SDK, a limit on how many calls run at once, and everything saved when the last one is there. */
const client = new Anthropic({ apiKey: 'sk-bench', baseURL: url });
const limit = pLimit(concurrency);

await run(async () => {
  const results = await Promise.all(
    requests.map(({ custom_id, params }) =>
      limit(async () => ({ custom_id, message: await client.messages.create(params) })),
    ),
  );
  writeFileSync(`${directory}/results.jsonl`, results.map((result) => `${JSON.stringify(result)}\n`).join(''));
});
