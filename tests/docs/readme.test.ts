import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageBatch } from '@batchwright/protocol';
import { defaultConfig, startServer } from '@batchwright/server';
import { expect, it } from 'vitest';
import { ROOT, codeBlocks } from './pages.ts';

/** Runs a block as a reader would paste it; standard output, or an error with what the shell said. */
async function paste(code: string, env: Readonly<Record<string, string>>): Promise<string> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', code], { env: { PATH: process.env['PATH'], ...env } });
  let out = '';
  let err = '';
  shell.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  shell.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    shell.on('error', reject);
    shell.on('close', resolve);
  });
  expect(err).toBe('');
  expect(status).toBe(0);
  return out;
}

it('the README’s curl command creates a batch when pasted', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const block = codeBlocks(readme).find(({ language, code }) => language === 'bash' && code.startsWith('curl'));
  const dataDir = await mkdtemp(join(tmpdir(), 'batchwright-readme-'));
  const server = await startServer({ ...defaultConfig, dataDir, port: 0, clock: 'virtual', logLevel: 'silent' });
  try {
    const out = await paste(block?.code ?? 'false', {
      ANTHROPIC_BASE_URL: server.url,
      ANTHROPIC_API_KEY: server.firstKey ?? '',
    });
    const batch = JSON.parse(out) as MessageBatch;
    expect(batch.processing_status).toBe('in_progress');
    expect(batch.request_counts.processing).toBe(1);
  } finally {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});
