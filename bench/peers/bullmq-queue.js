import Anthropic from '@anthropic-ai/sdk';
import { Queue, Worker } from 'bullmq';
import { concurrency, requests, run, store, url } from './peer-run.js';

/**
 * One job a request, added in thousands, its answer kept as the job's return value. Ids are the requests' own, so that
 * adding them again after a crash adds nothing; a job whose process died is taken up when its lock has run out.
 */
const ADDED_AT_ONCE = 1000;
const client = new Anthropic({ apiKey: 'sk-bench', baseURL: url });
const connection = { host: '127.0.0.1', port: store.port, maxRetriesPerRequest: null };
const queue = new Queue('requests', { connection });

await run(async () => {
  for (let at = 0; at < requests.length; at += ADDED_AT_ONCE) {
    await queue.addBulk(
      requests.slice(at, at + ADDED_AT_ONCE).map(({ custom_id, params }) => ({
        name: 'request',
        data: params,
        opts: { jobId: custom_id, attempts: 3 },
      })),
    );
  }
  await new Promise((resolve, reject) => {
    let left = 0;
    const worker = new Worker('requests', async ({ data }) => client.messages.create(data), {
      connection,
      concurrency,
      autorun: false,
    });
    worker.on('completed', () => {
      if (--left === 0) resolve();
    });
    worker.on('failed', (_job, cause) => reject(new Error('a call failed for good', { cause })));
    worker.on('error', reject);
    queue.getCompletedCount().then((completed) => {
      left = requests.length - completed;
      worker.run().catch(reject);
    }, reject);
  });
});
