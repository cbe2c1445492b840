import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, batchOf, expectError, list, results, retrieve } from '../harness/batches.ts';
import { startCountingUpstream, type CountingUpstream, type UpstreamAnswer } from './counting-upstream.ts';
import { question } from './crash-batches.ts';
import { openHome, pause, until, type Home, type ServerProcess } from './server-process.ts';
import { startUpload } from './slow-upload.ts';

/** SIGTERM: what is under way finishes or is given back, within the grace, and the next start goes on. */
const IN_FLIGHT = 8;
const REQUESTS = 40;
/** Beside the grace: flushing, closing, and a machine that is busy with other tests. */
const CLOSING_MS = 10_000;
/** Two signals closer together than this count as one keystroke. */
const ANOTHER_KEYSTROKE_MS = 500;

let home: Home;
let upstream: CountingUpstream;
let answer: () => UpstreamAnswer;
beforeEach(async () => {
  home = await openHome();
  upstream = await startCountingUpstream(() => answer());
});
afterEach(async () => {
  await home.close();
  await upstream.close();
});

function start(graceSeconds: number): Promise<ServerProcess> {
  const grace = ['--shutdown-grace-seconds', String(graceSeconds)];
  return home.start(['--upstream', upstream.url, '--concurrency', String(IN_FLIGHT), '--log-level', 'warn', ...grace]);
}

/** A server whose upstream has as many calls as it may have, all unanswered; `answer` decides when that changes. */
async function startBusy(graceSeconds: number, first: () => UpstreamAnswer) {
  answer = first;
  const server = await start(graceSeconds);
  const batch = await createBatch(server, REQUESTS);
  await until('the upstream is full', () => upstream.calls.length === IN_FLIGHT);
  return { server, batch };
}

async function createBatch(server: ServerProcess, count: number): Promise<MessageBatch> {
  return batchOf(await server.client.post(BATCHES, bodyOf(count)));
}

function bodyOf(count: number, padding = 0) {
  return { requests: Array.from({ length: count }, (_, i) => question(`item-${i}`, padding)) };
}

async function terminate(server: ServerProcess): Promise<void> {
  server.signal('SIGTERM');
  await until('the server says that it stops', () => server.err().includes('Stopping'));
}

/** The next start runs the batch to its end; answers how often each request was called, over all lives. */
async function callsWhenEnded(id: string): Promise<readonly number[]> {
  answer = () => ({});
  const server = await start(1);
  await until('the batch has ended', async () => (await retrieve(server.client, id)).processing_status === 'ended');
  const rows = await results(server.client, id);
  const ids = bodyOf(REQUESTS).requests.map((request) => request.custom_id);
  expect(rows.map((row) => row.custom_id).toSorted()).toEqual(ids.toSorted());
  expect(rows.every((row) => row.result.type === 'succeeded')).toBe(true);
  return ids.map((customId) => upstream.callsOf(customId).length);
}

describe('SIGTERM', () => {
  it('lets calls in flight finish, sends no other, keeps every answer, and exits 0', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { server, batch } = await startBusy(30, () => ({ after: released }));
    await terminate(server);
    release();
    expect(await server.ended).toBe(0);
    expect(upstream.calls.length).toBe(IN_FLIGHT);
    expect(await callsWhenEnded(batch.id)).toEqual(Array(REQUESTS).fill(1));
  });

  it('gives back what does not finish within the grace, exits 0, and the next start sends it again', async () => {
    const { server, batch } = await startBusy(1, () => ({ after: new Promise(() => undefined) }));
    const startedMs = performance.now();
    await terminate(server);
    expect(await server.ended).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(1000 + CLOSING_MS);
    const calls = await callsWhenEnded(batch.id);
    expect(calls.filter((count) => count === 2)).toHaveLength(IN_FLIGHT);
    expect(calls.filter((count) => count === 1)).toHaveLength(REQUESTS - IN_FLIGHT);
  });

  it('refuses creates while it drains and still answers who polls', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { server, batch } = await startBusy(30, () => ({ after: released }));
    await terminate(server);
    expectError(await server.client.post(BATCHES, bodyOf(1)), 529, 'overloaded_error');
    expect((await retrieve(server.client, batch.id)).processing_status).toBe('in_progress');
    expect((await server.client.get('/readyz')).status).toBe(503);
    release();
    expect(await server.ended).toBe(0);
    expect(await home.storedBatches()).toEqual([batch.id]);
  });

  it('leaves at once when it comes again, and nothing accepted is lost', async () => {
    const { server, batch } = await startBusy(60, () => ({ after: new Promise(() => undefined) }));
    await terminate(server);
    await pause(ANOTHER_KEYSTROKE_MS);
    const again = performance.now();
    server.signal('SIGTERM');
    expect(await server.ended).toBe(1);
    expect(performance.now() - again).toBeLessThan(CLOSING_MS);
    const calls = await callsWhenEnded(batch.id);
    expect(calls.every((count) => count <= 2)).toBe(true);
  });
});

describe('SIGTERM during an upload', () => {
  const body = Buffer.from(JSON.stringify(bodyOf(REQUESTS, 200_000)));

  it('takes the batch whose body still arrives in time, and the next start runs it', async () => {
    answer = () => ({});
    const server = await start(1);
    const upload = startUpload(server.client, body);
    await upload.send(body.length - 1);
    await until('a block of the body is on the disk', async () => (await home.storedBatches()).length === 1);
    await terminate(server);
    await upload.finish();
    const response = await upload.answer;
    expect(await server.ended).toBe(0);
    // Accepted: then it exists. Anything else would have to be no 200 and no trace.
    expect(response?.status).toBe(200);
    const { id } = JSON.parse(response?.text ?? '') as MessageBatch;
    expect(await callsWhenEnded(id)).toEqual(Array(REQUESTS).fill(1));
  });

  it('cuts an upload that stands still, and leaves no trace of it', async () => {
    answer = () => ({});
    const server = await start(1);
    const upload = startUpload(server.client, body);
    await upload.send(body.length - 1);
    await until('a block of the body is on the disk', async () => (await home.storedBatches()).length === 1);
    const startedMs = performance.now();
    await terminate(server);
    expect(await server.ended).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(1000 + CLOSING_MS);
    expect(await upload.answer).toBeNull();
    expect(await home.storedBatches()).toEqual([]);
    expect((await list((await start(1)).client)).data).toEqual([]);
  });
});
