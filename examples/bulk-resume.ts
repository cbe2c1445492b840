/**
 * A run that is kept in files. Ctrl-C leaves it within a moment, and its batches go on at the server; the same program
 * takes it up, as it would after a crash or a reboot. No request is sent twice: each step is in the journal before or
 * after it is taken, and a batch whose creation nobody answered is looked for at the server before it is sent again.
 *
 *     node examples/dist/bulk-resume.js     # Ctrl-C
 *     node examples/dist/bulk-resume.js     # goes on
 *     node examples/dist/bulk-resume.js     # finished: says so and does nothing
 */
import Anthropic from '@anthropic-ai/sdk';
import { runBatch, type BulkRequest, type BulkRun, type RunEnd } from '@batchwright/client';
import { openFileStore } from '@batchwright/client/node';
import { writeFile } from 'node:fs/promises';

/** Where the run is kept and its answers go, and what leaves it. */
export interface KeptRun {
  readonly directory?: string;
  readonly file?: string;
  readonly signal: AbortSignal;
}

const COUNT = 10;
const BATCH = 5;

function* requests(): Generator<BulkRequest> {
  for (let i = 0; i < COUNT; i++) {
    const messages = [{ role: 'user', content: `What is ${i} times ${i + 1}? Answer with the number alone.` }];
    yield { custom_id: `question-${i}`, params: { model: 'claude-haiku-4-5', max_tokens: 64, messages } };
  }
}

/** Begins the run or takes it up, prints each answer, and answers why it came to rest. */
export async function main(client: Anthropic, options: KeptRun): Promise<RunEnd['type']> {
  const { directory = 'bulk-resume.run', file = 'bulk-resume-answers.jsonl', signal } = options;
  const store = await openFileStore(directory);
  const run = runBatch(requests(), {
    client,
    store,
    signal,
    // What makes the requests what they are: other questions are another run, and are refused here.
    identity: { questions: 'multiplication', count: String(COUNT) },
    // Small batches, the second one sent when the first is over, so that there is something to come back for.
    batchSize: { requests: BATCH },
    queuedRequests: BATCH,
  });
  try {
    // One that is taken up yields all its results, those that were seen before, too.
    for await (const { customId, result } of run) console.log(`${customId}: ${result.type}`);
    const end = await run.settle();
    if (end.type === 'settled') await save(run, file);
    console.log(outcome(end, file));
    return end.type;
  } finally {
    await run.close();
    await store.close();
  }
}

/** First the answers, then the note that the run is finished: after a crash in between they are written again. */
async function save(run: BulkRun, file: string): Promise<void> {
  await writeFile(file, linesOf(run));
  await run.finish();
}

async function* linesOf(run: BulkRun): AsyncGenerator<string | Uint8Array> {
  for await (const { line } of run.results('input')) {
    yield line;
    yield '\n';
  }
}

function outcome(end: RunEnd, file: string): string {
  switch (end.type) {
    case 'settled':
      return `Saved ${end.report.requests} answers to ${file}`;
    case 'already_finished':
      return `Finished before, at ${new Date(end.atMs).toISOString()}: nothing to do`;
    case 'left':
      return `Left with ${end.report.unsettled} answers to come. The same command goes on`;
    case 'over_budget':
      return 'More than the run may cost';
    default:
      return end satisfies never;
  }
}

if (process.argv[1] === import.meta.filename) {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  await main(new Anthropic(), { signal: stop.signal });
}
