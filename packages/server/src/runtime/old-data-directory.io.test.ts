import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultConfig } from '../config/options.ts';
import { startServer, type RunningServer } from '../main.ts';

/**
 * A data directory of format 1, as the last Batchwright that wrote it left it when it was killed: indexes of version 1, a
 * catalog of schema 1, one batch that had ended, and one with two of its four results.
 */
const KEPT = new URL('data-directory-1.json.gz', import.meta.url);
const ENDED = 'msgbatch_01Ps8ZsyVdWfbiPjh9mSA5oF';
const RUNNING = 'msgbatch_01wpKWes3TJ3MfeM6pFo835M';
const KEY = 'sk-bw-whole-server-test-000000000000';
/** When it was killed; a day later its batch would have expired. */
const KILLED_AT = new Date('2026-11-21T15:13:30Z');

let dataDir: string;
let server: RunningServer;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: KILLED_AT });
  dataDir = await mkdtemp(join(tmpdir(), 'batchwright-old-'));
  const files = JSON.parse(gunzipSync(await readFile(KEPT)).toString()) as Readonly<Record<string, string>>;
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dataDir, name)), { recursive: true });
    await writeFile(join(dataDir, name), Buffer.from(content, 'base64'));
  }
  server = await start();
});
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
  await rm(dataDir, { recursive: true, force: true });
});

const start = () =>
  startServer({ ...defaultConfig, dataDir, port: 0, apiKey: KEY, clock: 'virtual', logLevel: 'silent' });
const headers = { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' };
const ask = (path: string) => fetch(server.url + path, { headers });
const results = async (id: string) => (await ask(`/v1/messages/batches/${id}/results`)).text();
const fileOf = (id: string, name: string) => readFile(join(dataDir, 'batches', id, name), 'utf8');

test('a data directory of format 1 is taken up: what ended is served, and what ran goes on', async () => {
  expect(await fileOf(ENDED, 'results.jsonl')).toContain('"done-1"');
  expect(await results(ENDED)).toBe(await fileOf(ENDED, 'results.jsonl'));
  const paid = await fileOf(RUNNING, 'results.jsonl');
  const body = JSON.stringify({ advance_ms: 3_600_000 });
  await fetch(`${server.url}/sim/clock`, { method: 'POST', body, headers });
  const text = await results(RUNNING);
  expect(text.startsWith(paid)).toBe(true);
  const ids = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).custom_id as string]));
  expect(ids.toSorted()).toEqual(['quick-1', 'quick-2', 'slow-1', 'slow-2']);
  const request = (await (await ask(`/ext/v1/batches/${ENDED}/requests/done-2`)).json()) as Record<string, unknown>;
  expect(request).toMatchObject({ custom_id: 'done-2', params: { max_tokens: 16 }, result: { type: 'succeeded' } });
});

test('a data directory of format 1 has the current one afterwards, and is taken up again', async () => {
  expect(JSON.parse(await readFile(join(dataDir, 'format.json'), 'utf8'))).toEqual({ format: 2 });
  await server.close();
  server = await start();
  expect(await results(ENDED)).toBe(await fileOf(ENDED, 'results.jsonl'));
});
