import Anthropic from '@anthropic-ai/sdk';
import PgBoss from 'pg-boss';
import { concurrency, requests, run, store, url } from './peer-run.js';

/**
 * One row a request, inserted in thousands, fetched 64 at a time, completed one by one with its answer as output. Rows of
 * a process that died are taken up when they expire: after 15 minutes unless told otherwise, here after 20 seconds.
 */
const INSERTED_AT_ONCE = 1000;
const FETCHED_AT_ONCE = 64;
const EXPIRE_SECONDS = 20;
const EMPTY_WAIT_MS = 500;
const QUEUE = 'requests';
const client = new Anthropic({ apiKey: 'sk-bench', baseURL: url });
const boss = new PgBoss({ connectionString: store.url, max: 16, maintenanceIntervalSeconds: 5 });
boss.on('error', (error) => process.stderr.write(`${error.stack}\n`));
await boss.start();
await boss.createQueue(QUEUE);

await run(async () => {
  const isNew = (await boss.getQueueSize(QUEUE, { before: 'failed' })) === 0;
  for (let at = 0; isNew && at < requests.length; at += INSERTED_AT_ONCE) {
    await boss.insert(
      requests.slice(at, at + INSERTED_AT_ONCE).map(({ params }) => ({
        name: QUEUE,
        data: params,
        expireInSeconds: EXPIRE_SECONDS,
      })),
    );
  }
  await Promise.all(Array.from({ length: concurrency / FETCHED_AT_ONCE }, takeTurns));
});

async function takeTurns() {
  for (;;) {
    const rows = await boss.fetch(QUEUE, { batchSize: FETCHED_AT_ONCE });
    await Promise.all(
      rows.map(async ({ id, data }) => {
        await boss.complete(QUEUE, id, await client.messages.create(data));
      }),
    );
    if (rows.length > 0) continue;
    if ((await boss.getQueueSize(QUEUE, { before: 'completed' })) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, EMPTY_WAIT_MS));
  }
}
