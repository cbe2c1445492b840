import { Agent, request } from 'node:http';
import { API_KEY } from '../processes/wire.ts';

/** The batch endpoints as the bench itself needs them: to look at a batch, seldom enough not to disturb it. */
interface Batch {
  readonly processing_status: string;
  readonly request_counts: { readonly succeeded: number };
}

const POLL_MS = 10;
const agent = new Agent({ keepAlive: true });

/** One `GET …/batches/{id}`; how long it took, from the call to the whole answer. */
export async function timeBatchRead(port: number, batchId: string): Promise<number> {
  const startedMs = performance.now();
  await readBatch(port, batchId);
  return performance.now() - startedMs;
}

/**
 * Looks until the batch has ended with all of its requests succeeded; answers when that was seen, on the clock that all
 * processes of the machine share, in milliseconds.
 */
export async function batchEnd(port: number, batchId: string, requests: number): Promise<number> {
  for (;;) {
    const batch = await readBatch(port, batchId);
    if (batch.processing_status === 'ended') {
      const seenMs = Number(process.hrtime.bigint()) / 1e6;
      const { succeeded } = batch.request_counts;
      if (succeeded !== requests) throw new Error(`${batchId}: ${succeeded} of ${requests} requests succeeded`);
      return seenMs;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function readBatch(port: number, batchId: string): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const call = request({
      agent,
      port,
      host: '127.0.0.1',
      path: `/v1/messages/batches/${batchId}`,
      headers: { 'x-api-key': API_KEY, 'anthropic-version': '2023-06-01' },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(JSON.parse(text) as Batch);
        else reject(new Error(`${batchId}: ${response.statusCode ?? 0} ${text}`));
      });
    });
    call.end();
  });
}
