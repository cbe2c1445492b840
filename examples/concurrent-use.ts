/**
 * Several batches at once from one program: created, followed and read concurrently.
 *
 *     node examples/dist/concurrent-use.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { type Polling, untilEnded } from './poll.ts';
import { resultsById } from './results-by-id.ts';

const TOPICS: Readonly<Record<string, readonly string[]>> = {
  rivers: ['Which river is the longest?', 'Why do rivers meander?'],
  metals: ['Which metal is liquid at room temperature?', 'Why does iron rust?', 'What is brass?'],
  birds: ['Do penguins have knees?'],
};

async function askAbout(client: Anthropic, topic: string, questions: readonly string[], polling?: Polling) {
  const created = await client.messages.batches.create({
    requests: questions.map((content, i) => ({
      custom_id: `${topic}-${i}`,
      params: { model: 'claude-haiku-4-5', max_tokens: 256, messages: [{ role: 'user', content }] },
    })),
  });
  await untilEnded(client, created.id, polling);
  const answers = await resultsById(client, created.id);
  console.log(`${topic}: ${answers.size} answers from ${created.id}`);
  return answers;
}

/** Asks about every topic in a batch of its own, all at the same time; answers all results by custom_id. */
export async function main(client: Anthropic, polling?: Polling): Promise<Map<string, string>> {
  const batches = Object.entries(TOPICS).map(([topic, questions]) => askAbout(client, topic, questions, polling));
  const answers = await Promise.all(batches);
  return new Map(answers.flatMap((byId) => [...byId]));
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
