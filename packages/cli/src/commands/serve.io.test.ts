import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand, startCommand } from '../command-process.fixture.ts';
import type { CommandProcess } from '../command-process.fixture.ts';

let cwd: string;
const running: CommandProcess[] = [];

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'batchwright-serve-'));
});
afterEach(async () => {
  for (const command of running.splice(0)) {
    command.kill('SIGKILL');
    await command.ended;
  }
  await rm(cwd, { recursive: true, force: true });
});

interface Serving {
  readonly command: CommandProcess;
  readonly url: string;
  readonly key: string | null;
}

async function serve(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Serving> {
  const command = startCommand(['serve', '--port', '0', ...args], cwd, env);
  running.push(command);
  await command.prints(/Ctrl-C/);
  const url = /ANTHROPIC_BASE_URL=(\S+)/.exec(command.out())?.[1];
  if (url === undefined) throw new Error(`no URL in:\n${command.out()}`);
  return { command, url, key: /ANTHROPIC_API_KEY=(\S+)/.exec(command.out())?.[1] ?? null };
}

async function listBatches(url: string, key: string): Promise<number> {
  const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01' };
  const response = await fetch(`${url}/v1/messages/batches`, { headers });
  await response.arrayBuffer();
  return response.status;
}

describe('serve', () => {
  it('prints at the first start lines that work when pasted, and the key only then', async () => {
    const first = await serve();
    expect(first.key).toMatch(/^sk-bw-[A-Za-z0-9_-]{43}$/);
    expect(await listBatches(first.url, first.key ?? '')).toBe(200);
    first.command.kill('SIGTERM');
    expect(await first.command.ended).toBe(0);

    const second = await serve();
    expect(second.key).toBeNull();
    expect(second.command.out()).toContain('batchwright keys create');
    expect(await listBatches(second.url, first.key ?? '')).toBe(200);
  });

  it('keeps of a key nothing but its hash', async () => {
    const { key, command } = await serve();
    command.kill('SIGTERM');
    await command.ended;
    const stored = await readFile(join(cwd, '.batchwright', 'catalog.db'), 'latin1');
    expect(stored).toContain(key?.slice(-4));
    expect(stored).not.toContain(key?.slice(8));
  });

  it('accepts the configured key, and never prints it', async () => {
    const { command, url } = await serve([], { BATCHWRIGHT_API_KEY: 'sk-my-own-key' });
    expect(await listBatches(url, 'sk-my-own-key')).toBe(200);
    expect(command.out() + command.err()).not.toContain('sk-my-own-key');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('closes and leaves with 0 on %s', async (signal) => {
    const { command, url } = await serve();
    command.kill(signal);
    expect(await command.ended).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('names every fault of the configuration in a line and leaves with 2, before anything is made', async () => {
    await writeFile(join(cwd, 'batchwright.config.json'), '{"prot": 1}');
    const { code, out, err } = await runCommand(['serve', '--concurrency', 'x'], cwd, { BATCHWRIGHT_DATADIR: 'y' });
    expect([code, out]).toEqual([2, '']);
    const path = join(cwd, 'batchwright.config.json');
    expect(err.trimEnd().split('\n').toSorted()).toEqual(
      [
        'batchwright: BATCHWRIGHT_DATADIR is set, but no option has that name. Did you mean BATCHWRIGHT_DATA_DIR?',
        'batchwright: --concurrency is "x", but must be a whole number from 1 to 16384. Example: 64',
        `batchwright: "prot" in ${path} is not an option. Did you mean port?`,
      ].toSorted(),
    );
    await expect(readFile(join(cwd, '.batchwright', 'catalog.db'))).rejects.toThrow('ENOENT');
  });

  it('says that the port is taken, and leaves with 1', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, err } = await runCommand(['serve', '--port', String(port)], cwd);
    other.close();
    expect(err).toBe(
      `batchwright: port ${port} on 127.0.0.1 is taken. Stop what listens there, or choose another with --port.\n`,
    );
    expect(code).toBe(1);
  });

  it('says which process holds the data directory, and leaves with 1', async () => {
    await serve();
    const { code, err } = await runCommand(['serve', '--port', '0'], cwd);
    expect(code).toBe(1);
    expect(err).toMatch(/^batchwright: .*\bprocess \d+\b.*\n$/);
  });

  it('explains its options on --help', async () => {
    const { code, out } = await runCommand(['serve', '--help'], cwd);
    expect(code).toBe(0);
    expect(out).toContain('--upstream-timeout-seconds <value>');
  });
});
