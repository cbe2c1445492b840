/**
 * What is tried again. Failures go by what helps: those named in `retry` make another batch, until `attempts` are used
 * up; what is wrong with a request itself stays wrong, and is reported with its reason and left alone. An answer that
 * came but will not do is `judge`'s to turn down, with other params to ask for it once more.
 *
 *     node examples/dist/bulk-retry.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BulkRequest, type Judge, type RunReport, type SettledResult } from '@batchwright/client';
import { textOf } from './results.ts';

const QUESTIONS: Readonly<Record<string, string>> = {
  lakes: 'Which lake is the deepest?',
  caves: 'Which cave is the longest?',
  isles: 'Which island is the largest?',
};

function* requests(): Generator<BulkRequest> {
  for (const [customId, question] of Object.entries(QUESTIONS)) {
    const content = `${question} Answer with a JSON object that has a "name".`;
    yield request(customId, 'claude-haiku-4-5', content);
  }
  yield request('misspelt', 'claude-haiku-for-ever', 'Nobody will see this.');
}

function request(customId: string, model: string, content: string): BulkRequest {
  return { custom_id: customId, params: { model, max_tokens: 256, messages: [{ role: 'user', content }] } };
}

const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
  additionalProperties: false,
};

/** Takes what is JSON; anything else is asked for again, this time with a schema that the API sees to. */
const isJson: Judge = async ({ result }, params) => {
  if (result.type !== 'succeeded') return { type: 'accepted' };
  try {
    JSON.parse(textOf(result.message));
    return { type: 'accepted' };
  } catch {
    const asked = await params();
    const again = { ...asked, output_config: { format: { type: 'json_schema', schema: SCHEMA } } };
    return { type: 'rejected', reason: 'the answer is not JSON', params: again };
  }
};

/** What became of every request, and the report that sums it up. */
export interface Retried {
  readonly results: readonly SettledResult[];
  readonly report: RunReport;
}

/** Runs the requests, each at most three times, and prints what failed and what it took. */
export async function main(client: Anthropic): Promise<Retried> {
  const run = runBatch(requests(), {
    client,
    retry: ['overloaded', 'rate_limited', 'expired'],
    attempts: 3,
    judge: isJson,
  });
  const results: SettledResult[] = [];
  for await (const result of run) {
    console.log(`${result.customId}: ${result.result.type}, tried ${result.attempts} times`);
    results.push(result);
  }
  const end = await run.settle();
  await run.close();
  if (end.type !== 'settled') throw new Error(`The run is ${end.type}`);
  for (const { type, count, example, isPermanent } of end.report.failures) {
    const remedy = isPermanent ? 'mend the request' : 'another try may help';
    console.log(`${count} x ${type}, such as ${example.customId}: ${example.message} (${remedy})`);
  }
  return { results, report: end.report };
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
