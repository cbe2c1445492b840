/**
 * Prompt caching across batches. In the hosted Batches API the requests of one batch do not read what others of it write,
 * so a long document that they share would be paid for by each. The run sends one request a document first, with a
 * one-hour marker, and the others when that is over: a wave later they read what it wrote. Nothing is to be done for it;
 * `waves: 'off'` sends all at once. A Batchwright orders requests by itself, and gets one wave.
 *
 *     node examples/dist/bulk-hosted-waves.js
 */
import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BatchProgress, type BulkRequest, type RunReport } from '@batchwright/client';
import { dollars } from './bulk-progress.ts';
import { LONG_DOCUMENT } from './long-document.ts';

const QUESTIONS = [
  'Who carried the last can of paraffin?',
  'Which firm won the contract, and which one bid less?',
  'What did the lenses cost?',
  'Why did a light go to half power?',
  'What does a light telephone, and why?',
];

/** What is shared goes first, here as everywhere that caching shall pay. No markers: the plan adds them. */
function* requests(): Generator<BulkRequest> {
  for (const [i, question] of QUESTIONS.entries()) {
    yield {
      custom_id: `question-${i}`,
      params: {
        model: 'claude-sonnet-5-5',
        max_tokens: 512,
        system: [{ type: 'text', text: LONG_DOCUMENT }],
        messages: [{ role: 'user', content: question }],
      },
    };
  }
}

function batchLine({ number, wave, isLeading, requests: count }: BatchProgress): string {
  return `Wave ${wave + 1}: batch ${number + 1}, requests: ${count}${isLeading ? ', writing what others read' : ''}`;
}

/** Asks all questions, prints who went when and what was saved, and answers the report. */
export async function main(client: Anthropic, waves: 'auto' | 'off' = 'auto'): Promise<RunReport> {
  const run = runBatch(requests(), { client, waves });
  const end = await run.settle();
  await run.close();
  if (end.type !== 'settled') throw new Error(`The run is ${end.type}`);
  for (const batch of run.progress.batches) console.log(batchLine(batch));
  const { cost } = end.report;
  if (cost !== null) {
    const saved = cost.withoutCachingNanoUsd - cost.nanoUsd;
    console.log(`${dollars(cost.nanoUsd)}, of which reading the cache ${dollars(cost.byKind.read)}`);
    console.log(`Saved ${dollars(saved)} by caching, ${dollars(cost.withoutBatchNanoUsd - cost.nanoUsd)} by batching`);
  }
  return end.report;
}

if (process.argv[1] === import.meta.filename) await main(new Anthropic());
