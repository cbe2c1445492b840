import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageBatch } from '@batchwright/protocol';
import { defaultConfig, startServer } from '@batchwright/server';
import type { RunningServer } from '@batchwright/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, codeBlocks } from './pages.ts';

/** The commands of the pages that need a server, run as a reader would paste them. */

let dataDir: string;
let server: RunningServer;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'batchwright-docs-'));
  server = await startServer({ ...defaultConfig, dataDir, port: 0, clock: 'virtual', logLevel: 'silent' });
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** The page's blocks that begin with curl; the address they name becomes the test server's. */
async function curlBlocks(path: string): Promise<readonly string[]> {
  const blocks = codeBlocks(await readFile(join(ROOT, path), 'utf8')).map(({ code }) => code);
  return blocks
    .filter((code) => code.startsWith('curl'))
    .map((code) => code.replaceAll('http://127.0.0.1:4180', server.url));
}

/** Standard output of a block; fails with what the shell said. */
function paste(code: string): Promise<string> {
  return pasteInto(ROOT, { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: server.firstKey ?? '' }, code);
}

async function pasteInto(cwd: string, variables: Readonly<Record<string, string>>, code: string): Promise<string> {
  const env = { PATH: process.env['PATH'], ...variables };
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', code], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  shell.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    shell.on('error', reject);
    shell.on('close', resolve);
  });
  expect(status, err).toBe(0);
  return out;
}

describe('pasted as it stands', () => {
  it('the README’s first command answers every row, with neither key nor server', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'batchwright-first-'));
    await symlink(join(ROOT, 'examples'), join(directory, 'examples'));
    const [first] = codeBlocks(await readFile(join(ROOT, 'README.md'), 'utf8'));
    const code = first?.code.replace('npm start --', `node ${join(ROOT, 'scripts', 'start.mjs')}`);
    await pasteInto(directory, { HOME: directory }, code ?? 'false');
    const rows = await readFile(join(ROOT, 'examples', 'reviews.csv'), 'utf8');
    const answers = await readFile(join(directory, 'answers.csv'), 'utf8');
    const firstColumn = (text: string): readonly string[] => text.match(/^r\d+(?=,)/gm) ?? [];
    expect(firstColumn(answers).toSorted()).toEqual(firstColumn(rows).toSorted());
    expect(firstColumn(answers)).toHaveLength(10);
    await rm(directory, { recursive: true });
  });

  it('the README’s curl command creates a batch', async () => {
    const [create] = await curlBlocks('README.md');
    const batch = JSON.parse(await paste(create ?? 'false')) as MessageBatch;
    expect(batch.processing_status).toBe('in_progress');
    expect(batch.request_counts.processing).toBe(1);
  });

  it('the emulator guide’s commands move time, set faults and list calls', async () => {
    const [advance, faults, batchFaults, requests, ...more] = await curlBlocks('docs/guides/emulator-in-ci.md');
    expect(more).toEqual([]);
    const before = Date.now();
    const { now_ms } = JSON.parse(await paste(advance ?? 'false')) as { readonly now_ms: number };
    expect(now_ms).toBeGreaterThan(before);
    expect(await paste(faults ?? 'false')).toMatch(/"kind":"overloaded".*"kind":"bad_request".*\{"data":\[\]\}/s);
    const elsewhere = (batchFaults ?? 'false').replace('http://127.0.0.1:4181', server.url);
    expect(await paste(elsewhere)).toMatch(/"path":"\/v1\/messages\/batches\/\*\/results"/);
    expect(await paste(requests ?? 'false')).toContain('"path":"/v1/messages"');
  });
});
