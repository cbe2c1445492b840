import Anthropic from '@anthropic-ai/sdk';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '@batchwright/core';
import { findPrices } from '@batchwright/protocol';
import { createSimulator, serveSimulator, SIMULATOR_PROFILES, type FaultRule } from '@batchwright/simulator';
import { startTestServer, type TestServer } from '../tests/harness/test-server.ts';
import * as basic from './basic.ts';
import * as bulkHostedWaves from './bulk-hosted-waves.ts';
import * as bulkProgress from './bulk-progress.ts';
import * as bulkResume from './bulk-resume.ts';
import * as bulkRetry from './bulk-retry.ts';
import * as bulkRun from './bulk-run.ts';
import * as cachedDocumentQuestions from './cached-document-questions.ts';
import * as cancel from './cancel.ts';
import * as checkStatus from './check-status.ts';
import * as concurrentUse from './concurrent-use.ts';
import * as deletion from './delete.ts';
import * as largeBatch from './large-batch.ts';
import * as listAndPage from './list-and-page.ts';
import * as messageTypes from './message-types.ts';
import * as monitorProgress from './monitor-progress.ts';
import * as pdfDocuments from './pdf-documents.ts';
import * as poll from './poll.ts';
import * as resultsById from './results-by-id.ts';
import * as results from './results.ts';
import { smallPdf } from './small-pdf.ts';
import * as tools from './tools.ts';

/** Every example against a real server, in virtual time that moves while the example waits. */
const POLLING = { pollMs: 1 };

let server: TestServer;
let client: Anthropic;
let directory: string;
let printed: string[];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

beforeEach(async () => {
  const { key } = await server.newWorkspace();
  client = new Anthropic({ baseURL: server.url, apiKey: key });
  directory = await mkdtemp(join(tmpdir(), 'batchwright-example-'));
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: unknown) => void printed.push(String(line)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

test('basic creates a batch and prints where it stands', async () => {
  const batch = await basic.main(client);
  expect(printed).toEqual([
    `Batch ID: ${batch.id}`,
    'Status: in_progress',
    `Created at: ${batch.created_at}`,
    `Expires at: ${batch.expires_at}`,
  ]);
});

test('basic runs as the compiled program that its head comment names', async () => {
  const env = { ...process.env, ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: server.k1a.key };
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'dist/basic.js')], { env });
  expect(stdout).toMatch(/^Batch ID: msgbatch_\w+\nStatus: in_progress\n/);
});

test('check-status prints the counters of a batch', async () => {
  await checkStatus.main(client);
  expect(printed).toEqual(['Status: in_progress', 'Succeeded: 0/2', 'Errored: 0']);
});

test('poll follows a batch to its end', async () => {
  const batch = await server.whileTimePasses(poll.main(client, POLLING));
  expect(batch.processing_status).toBe('ended');
  expect(printed[0]).toBe('Processing: 2 requests remaining');
  expect(printed.at(-1)).toBe('Batch complete: 2 succeeded, 0 errored');
});

test('results prints answers and errors alike', async () => {
  const rows = await server.whileTimePasses(results.main(client, POLLING));
  expect(rows).toHaveLength(2);
  expect(printed.find((line) => line.startsWith('good: '))).toMatch(/^good: \S/);
  expect(printed).toContain('bad-model: Error - not_found_error: model: claude-does-not-exist');
});

test('results-by-id finds an answer by its custom_id', async () => {
  const byId = await server.whileTimePasses(resultsById.main(client, POLLING));
  expect([...byId.keys()].toSorted()).toEqual(['request-1', 'request-2']);
  expect(printed).toEqual([byId.get('request-1'), '2 results by custom_id']);
});

test('large-batch saves every result', async () => {
  const file = join(directory, 'results.jsonl');
  const { lines } = await server.whileTimePasses(largeBatch.main(client, { ...POLLING, questions: 300, file }));
  expect(lines).toBe(300);
  const rows = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const ids = rows.map((row) => (JSON.parse(row) as { custom_id: string }).custom_id);
  expect(new Set(ids).size).toBe(300);
  expect(printed.at(-1)).toBe(`Saved 300 results to ${file}`);
});

test('cancel ends a batch early', async () => {
  const batch = await server.whileTimePasses(cancel.main(client, POLLING));
  expect(printed.slice(0, 2)).toEqual(['Status: canceling', 'Status: ended']);
  expect(batch.request_counts.canceled + batch.request_counts.succeeded).toBe(2);
});

test('delete removes a batch', async () => {
  const { id, gone } = await server.whileTimePasses(deletion.main(client, POLLING));
  expect(gone).toBe(true);
  expect(printed).toEqual([`Deleted: ${id}`, 'It can no longer be retrieved.']);
});

test('list-and-page finds the same batches both ways', async () => {
  const { automatic, byHand, pages } = await listAndPage.main(client);
  expect(automatic).toHaveLength(3);
  expect(byHand).toEqual(automatic);
  expect(pages).toBe(2);
  expect(printed).toEqual([...automatic.map((id) => `${id}: in_progress`), '3 batches on 2 pages']);
});

test('tools prints the calls that the model asks for', async () => {
  const calls = await server.whileTimePasses(tools.main(client, POLLING));
  expect([...calls.keys()].toSorted()).toEqual(['weather-oslo', 'weather-sf']);
  for (const { name, input } of calls.values()) {
    expect(name).toBe('get_weather');
    expect(input).toEqual({ location: expect.any(String) });
  }
  expect(printed[0]).toMatch(/^weather-\w+: get_weather\(\{"location":"/);
});

test('pdf-documents summarizes each document', async () => {
  const summaries = await server.whileTimePasses(pdfDocuments.main(client, POLLING));
  expect([...summaries.keys()].toSorted()).toEqual(['doc-invoice', 'doc-minutes']);
  for (const summary of summaries.values()) expect(summary).not.toMatch(/^(Error|Not run)/);
});

test('the sample PDF has its objects where its table says', () => {
  const pdf = smallPdf(['One', 'Two (with parentheses)']).toString('latin1');
  const offsets = [...pdf.matchAll(/^(\d{10}) 00000 n $/gm)].map((match) => Number(match[1]));
  expect(offsets).toHaveLength(7);
  offsets.forEach((offset, i) => expect(pdf.slice(offset)).toMatch(new RegExp(`^${i + 1} 0 obj\n`)));
  expect(pdf.slice(Number(/startxref\n(\d+)/.exec(pdf)?.[1]))).toMatch(/^xref\n/);
  expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(2);
});

test('concurrent-use answers all batches', async () => {
  const answers = await server.whileTimePasses(concurrentUse.main(client, POLLING));
  expect(answers.size).toBe(6);
  expect(printed.map((line) => line.split(':')[0]).toSorted()).toEqual(['birds', 'metals', 'rivers']);
});

test('monitor-progress ends at one hundred percent and never goes back', async () => {
  const lines = await server.whileTimePasses(monitorProgress.main(client, POLLING));
  expect(lines[0]).toBe('Progress: 0.0% (0/10)');
  expect(lines.at(-1)).toBe('Progress: 100.0% (10/10)');
  const done = lines.map((line) => Number(/\((\d+)\//.exec(line)?.[1]));
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(printed).toEqual(lines);
});

test('message-types gets an answer to each of the four', async () => {
  const rows = await server.whileTimePasses(messageTypes.main(client, POLLING));
  expect(rows.map((row) => row.custom_id).toSorted()).toEqual([
    'image-analysis',
    'multi-turn',
    'simple-question',
    'system-prompt',
  ]);
  expect(rows.every((row) => row.result.type === 'succeeded')).toBe(true);
  expect(printed[0]).toContain('Succeeded 4, errored 0, processing 0, canceled 0, expired 0');
});

test('cached-document-questions writes the document once, reads it for the others, and saves every answer', async () => {
  const { rows } = await server.whileTimePasses(
    cachedDocumentQuestions.main(client, { ...POLLING, outputDirectory: directory }),
  );
  expect((await readdir(directory)).toSorted()).toEqual(rows.map((row) => `${row.custom_id}.json`).toSorted());
  for (const row of rows) {
    const saved: unknown = JSON.parse(await readFile(join(directory, `${row.custom_id}.json`), 'utf8'));
    expect(saved).toEqual(row);
  }
  const [document] = rows.map((row) => usageOf(row).cache_creation_input_tokens ?? 0).filter((tokens) => tokens > 0);
  expect(document).toBeGreaterThan(512);
  const reads = rows.map((row) => usageOf(row).cache_read_input_tokens);
  expect(reads.toSorted()).toEqual([0, document, document].toSorted());
});

test('cached-document-questions costs 36 % of what it costs with a warm-up', async () => {
  const run = (by: Anthropic, warmUp: boolean) =>
    server.whileTimePasses(cachedDocumentQuestions.main(by, { ...POLLING, outputDirectory: directory, warmUp }));
  const { key } = await server.newWorkspace();
  const plain = costOf(await run(client, false));
  const warmed = costOf(await run(new Anthropic({ baseURL: server.url, apiKey: key }), true));
  expect(printed.filter((line) => line.startsWith('Warm-up: '))).toHaveLength(1);
  expect(Math.round((100 * plain) / warmed)).toBe(36);
});

test('bulk-run answers everything that its generator yields', async () => {
  const report = await server.whileTimePasses(bulkRun.main(client));
  expect(report.counts).toEqual({ succeeded: 3, errored: 0, canceled: 0, expired: 0 });
  expect(printed.slice(0, 3).toSorted()).toEqual(
    [0, 1, 2].map((i) => expect.stringMatching(`^review-${i}: \\S+ \\S+`)),
  );
  expect(printed.at(-1)).toBe('3 of 3 succeeded');
});

test('bulk-run ends as a program, with nothing left to close', async () => {
  const env = { ...process.env, ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: server.k1a.key };
  const program = promisify(execFile)(process.execPath, [join(import.meta.dirname, 'dist/bulk-run.js')], { env });
  expect((await server.whileTimePasses(program)).stdout).toMatch(/^review-\d: .*\n3 of 3 succeeded\n$/s);
});

test('bulk-resume takes up what was left, and sends nothing twice', async () => {
  const kept = { directory: join(directory, 'kept'), file: join(directory, 'answers.jsonl') };
  const stop = new AbortController();
  const run = (signal: AbortSignal) => server.whileTimePasses(bulkResume.main(client, { ...kept, signal }));
  vi.mocked(console.log).mockImplementationOnce(() => stop.abort());
  expect(await run(stop.signal)).toBe('left');
  expect(printed.at(-1)).toMatch(/^Left with [1-9]\d* answers to come/);
  expect(await sentBatches()).toHaveLength(1);

  expect(await run(new AbortController().signal)).toBe('settled');
  expect(await run(new AbortController().signal)).toBe('already_finished');
  const batches = await sentBatches();
  expect(batches.map(({ request_counts: counts }) => counts.succeeded)).toEqual([5, 5]);
  const sent: string[] = [];
  for (const { id } of batches) {
    for await (const { custom_id } of await client.messages.batches.results(id)) sent.push(custom_id);
  }
  const everyOne = Array.from({ length: 10 }, (_, i) => `question-${i}`);
  expect(sent.toSorted()).toEqual(everyOne);
  expect((await linesOf(kept.file)).map(({ custom_id }) => custom_id)).toEqual(everyOne);
  expect(printed.at(-1)).toMatch(/^Finished before, at \S+Z: nothing to do$/);
});

test('bulk-progress shows a run from nothing to its report', async () => {
  const report = await server.whileTimePasses(bulkProgress.main(client, new AbortController().signal));
  expect(report.counts.succeeded).toBe(10);
  const shares = printed.slice(0, -3).map((line) => Number(/: ([\d.]+)% \(\d+\//.exec(line)?.[1]));
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(printed.at(-4)).toMatch(/^writing: 100\.0% \(10\/10\), 2 of 2 batches over, \$0\.0\d{3} so far$/);
  expect(printed.slice(-3)).toEqual([
    '10 requests: 10 succeeded, 0 errored, 0 canceled, 0 expired',
    expect.stringMatching(/^Batches: 2, waves: 1, seconds: \d+$/),
    expect.stringMatching(/^\$0\.0\d{3}; \$0\.0\d{3} as single calls, \$0\.0\d{3} with nothing cached$/),
  ]);
  expect(report.cost?.withoutBatchNanoUsd).toBe(2 * (report.cost?.nanoUsd ?? Number.NaN));
});

test('bulk-progress cancels what is under way, and reports what became of it', async () => {
  // Nothing gets through: all of it waits for its next try.
  await server.addFaults({ kind: 'overloaded' });
  const stop = new AbortController();
  const running = bulkProgress.main(client, stop.signal);
  await vi.waitUntil(async () => (await sentBatches()).length === 2, { timeout: 20_000 });
  stop.abort();
  const report = await server.whileTimePasses(running).finally(() => server.clearFaults());
  expect(report.counts).toEqual({ succeeded: 0, errored: 0, canceled: 10, expired: 0 });
  expect((await sentBatches()).every(({ cancel_initiated_at: at }) => at !== null)).toBe(true);
  expect(printed).toContain('10 requests: 0 succeeded, 0 errored, 10 canceled, 0 expired');
});

test('bulk-retry tries again what may help, and nothing else', async () => {
  const busy = { kind: 'overloaded', match: { text: 'Which lake' }, times: 1 } as const;
  const { results, report } = await withNativeBatches((by) => bulkRetry.main(by), [busy]);
  const outcomes = results.map(({ customId, result, attempts, rejection }) => [
    customId,
    [result.type, attempts, rejection],
  ]);
  expect(Object.fromEntries(outcomes)).toEqual({
    lakes: ['succeeded', 3, null],
    caves: ['succeeded', 2, null],
    isles: ['succeeded', 2, null],
    misspelt: ['errored', 1, null],
  });
  expect(report.retried).toEqual({ requests: 3, attempts: 4 });
  expect(printed.at(-1)).toBe('1 x not_found_error, such as misspelt: model: claude-haiku-for-ever (mend the request)');
});

test('bulk-hosted-waves writes the document once, and saves what its waves are for', async () => {
  const inWaves = await withNativeBatches((by) => bulkHostedWaves.main(by));
  expect(printed.slice(0, 2)).toEqual([
    'Wave 1: batch 1, requests: 1, writing what others read',
    'Wave 2: batch 2, requests: 4',
  ]);
  expect(printed.at(-1)).toMatch(/^Saved \$0\.0\d{3} by caching, \$0\.0\d{3} by batching$/);
  const atOnce = await withNativeBatches((by) => bulkHostedWaves.main(by, 'off'));
  expect([inWaves.waves, atOnce.waves]).toEqual([2, 1]);
  expect(inWaves.cost?.nanoUsd).toBeLessThan(atOnce.cost?.nanoUsd ?? Number.NaN);
  expect(inWaves.cost?.withoutCachingNanoUsd).toBe(atOnce.cost?.nanoUsd);
});

/** The client's batches, newest first. */
async function sentBatches(): Promise<readonly Anthropic.Messages.MessageBatch[]> {
  return (await client.messages.batches.list()).data;
}

async function linesOf(file: string): Promise<readonly { readonly custom_id: string }[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { custom_id: string });
}

/** Runs an example against native batches, which stand in for the hosted API's: what is in one shares nothing. */
async function withNativeBatches<Value>(
  example: (by: Anthropic) => Promise<Value>,
  faults: readonly FaultRule[] = [],
): Promise<Value> {
  const clock = systemClock({ now: Date.now, setTimeout, clearTimeout });
  const profile = SIMULATOR_PROFILES.instant;
  const simulator = createSimulator({ clock, seed: 1, profile, faults, batches: { latencyMs: 0 } });
  const served = await serveSimulator(simulator, { host: '127.0.0.1', port: 0, clock });
  try {
    return await example(new Anthropic({ baseURL: served.url, apiKey: 'any' }));
  } finally {
    await served.close();
  }
}

function usageOf({ result }: Anthropic.Messages.MessageBatchIndividualResponse): Anthropic.Messages.Usage {
  if (result.type !== 'succeeded') throw new Error(`a request was ${result.type}`);
  return result.message.usage;
}

/** What the prompts cost, in nano-dollars: the warm-up in full, the batch at half the price. */
function costOf({ warmUp, rows }: cachedDocumentQuestions.DocumentAnswers): number {
  const prices = findPrices('claude-sonnet-5-5', 0, Date.now());
  if (prices === null) throw new Error('the price of the model is not known');
  const promptCost = (usage: Anthropic.Messages.Usage): number =>
    usage.input_tokens * prices.input +
    (usage.cache_creation_input_tokens ?? 0) * prices.write5m +
    (usage.cache_read_input_tokens ?? 0) * prices.read;
  const batch = rows.reduce((sum, row) => sum + promptCost(usageOf(row)), 0) / 2;
  return batch + (warmUp === null ? 0 : promptCost(warmUp));
}

test('every example has a test here', async () => {
  const names = (await readdir(import.meta.dirname)).filter((name) => /^[a-z-]+\.ts$/.test(name));
  const own = await readFile(import.meta.filename, 'utf8');
  const programs = [];
  for (const name of names) {
    const source = await readFile(join(import.meta.dirname, name), 'utf8');
    if (source.includes('process.argv[1] === import.meta.filename')) programs.push(name.replace('.ts', ''));
  }
  expect(programs.length).toBeGreaterThanOrEqual(15);
  for (const program of programs) expect(own).toMatch(new RegExp(`^test\\('${program} `, 'm'));
});
