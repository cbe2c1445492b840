import { existsSync, readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import Anthropic from '@anthropic-ai/sdk';
import pLimit from 'p-limit';
import { concurrency, directory, requests, run, url } from './peer-run.js';

/** The same with care: each result is appended as it comes, and what is in the file is not asked again. */
const client = new Anthropic({ apiKey: 'sk-bench', baseURL: url });
const limit = pLimit(concurrency);
const file = `${directory}/results.jsonl`;

await run(async () => {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(isWhole) : [];
  const done = new Set(lines.map((line) => JSON.parse(line).custom_id));
  await Promise.all(
    requests
      .filter(({ custom_id }) => !done.has(custom_id))
      .map(({ custom_id, params }) =>
        limit(async () => {
          const message = await client.messages.create(params);
          await appendFile(file, `${JSON.stringify({ custom_id, message })}\n`);
        }),
      ),
  );
});

function isWhole(line) {
  return line.endsWith('}');
}
