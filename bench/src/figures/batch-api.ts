import { Agent, request } from 'node:http';
import { API_KEY } from '../processes/wire.ts';

/** The batch endpoints as the bench itself needs them: to look at batches, seldom enough not to disturb them. */
interface Batch {
  readonly processing_status: string;
  readonly ended_at: string | null;
  readonly request_counts: { readonly succeeded: number };
}

const BATCHES = '/v1/messages/batches';
const POLL_MS = 10;
const agent = new Agent({ keepAlive: true });

/** One `GET …/batches/{id}`; how long it took, from the call to the whole answer. */
export function timeBatchRead(port: number, batchId: string): Promise<number> {
  return timeRead(port, `/${batchId}`);
}

/** One `GET` of `path` below the batches, in milliseconds. */
export async function timeRead(port: number, path: string): Promise<number> {
  const startedMs = performance.now();
  await call(port, 'GET', path);
  return performance.now() - startedMs;
}

/**
 * Looks until the batch has ended with all of its requests succeeded; answers when that was seen, on the clock that all
 * processes of the machine share, in milliseconds.
 */
export async function batchEnd(port: number, batchId: string, requests: number): Promise<number> {
  const { succeeded } = (await endedBatch(port, batchId)).request_counts;
  const seenMs = Number(process.hrtime.bigint()) / 1e6;
  if (succeeded !== requests) throw new Error(`${batchId}: ${succeeded} of ${requests} requests succeeded`);
  return seenMs;
}

/** As `batchEnd`, but for the moment: when the server says that the batch ended, in milliseconds of the epoch. */
export async function batchEndedAt(port: number, batchId: string, requests: number): Promise<number> {
  await batchEnd(port, batchId, requests);
  return Date.parse((await readBatch(port, batchId)).ended_at ?? '');
}

/** Cancels a batch that nobody needs any more, and waits until it is over, whatever became of its requests. */
export async function cancelBatch(port: number, batchId: string): Promise<void> {
  await call(port, 'POST', `/${batchId}/cancel`);
  await endedBatch(port, batchId);
}

async function endedBatch(port: number, batchId: string): Promise<Batch> {
  for (;;) {
    const batch = await readBatch(port, batchId);
    if (batch.processing_status === 'ended') return batch;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function readBatch(port: number, batchId: string): Promise<Batch> {
  return JSON.parse(await call(port, 'GET', `/${batchId}`)) as Batch;
}

function call(port: number, method: 'GET' | 'POST', path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const calling = request({
      agent,
      port,
      method,
      host: '127.0.0.1',
      path: `${BATCHES}${path}`,
      headers: { 'x-api-key': API_KEY, 'anthropic-version': '2023-06-01' },
    });
    calling.on('error', reject);
    calling.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${method} ${path}: ${response.statusCode ?? 0} ${text}`));
      });
    });
    calling.end();
  });
}
