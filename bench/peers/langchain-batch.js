import { writeFileSync } from 'node:fs';
import { ChatAnthropic } from '@langchain/anthropic';
import { concurrency, directory, requests, run, url } from './peer-run.js';

/** LangChain's own way: one call of `batch`, which answers when everything is there. */
const [{ params }] = requests;
const model = new ChatAnthropic({
  apiKey: 'sk-bench',
  anthropicApiUrl: url,
  model: params.model,
  maxTokens: params.max_tokens,
});

await run(async () => {
  const messages = await model.batch(
    requests.map((request) => request.params.messages),
    { maxConcurrency: concurrency },
  );
  const lines = messages.map(({ content }, i) => JSON.stringify({ custom_id: requests[i].custom_id, content }));
  writeFileSync(`${directory}/results.jsonl`, `${lines.join('\n')}\n`);
});
