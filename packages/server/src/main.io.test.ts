import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from './config/options.ts';
import { startServer } from './main.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'batchwright-main-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

const config = (port: number) =>
  ({ ...defaultConfig, dataDir, port, logLevel: 'silent', shutdownGraceSeconds: 0 }) as const;

describe('startServer', () => {
  it('makes no key that nobody sees when its port is taken, and leaves the directory free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    await expect(startServer(config((other.address() as AddressInfo).port))).rejects.toThrow('EADDRINUSE');
    other.close();
    const server = await startServer(config(0));
    await server.close();
    expect(server.firstKey).toMatch(/^sk-bw-/);
  });

  it('takes its key from the first call on', async () => {
    const server = await startServer(config(0));
    const answer = await fetch(`${server.url}/v1/messages/batches`, {
      headers: { 'x-api-key': server.firstKey ?? '', 'anthropic-version': '2023-06-01' },
    });
    await server.close();
    expect(answer.status).toBe(200);
  });
});
