import Anthropic from '@anthropic-ai/sdk';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { findPrices } from '@batchwright/protocol';
import { startTestServer, type TestServer } from '../tests/harness/test-server.ts';
import * as basic from './basic.ts';
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
