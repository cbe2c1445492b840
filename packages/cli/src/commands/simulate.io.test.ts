import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { runCommand, startCommand } from '../command-process.fixture.ts';
import type { CommandProcess } from '../command-process.fixture.ts';

const running: CommandProcess[] = [];

afterEach(async () => {
  for (const command of running.splice(0)) {
    command.kill('SIGKILL');
    await command.ended;
  }
});

async function simulate(
  ...args: readonly string[]
): Promise<{ readonly command: CommandProcess; readonly url: string }> {
  const command = startCommand(['simulate', '--port', '0', ...args], tmpdir());
  running.push(command);
  const [, url = ''] = await command.prints(/ANTHROPIC_BASE_URL=(\S+)\n[\s\S]*Ctrl-C/);
  return { command, url };
}

async function ask(url: string, content: unknown = 'What is AI?', headers: object = {}): Promise<string> {
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01', 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      model: 'claude-haiku-4-5',
      max_tokens: 64,
      messages: [{ role: 'user', content }],
    }),
  });
  expect(response.status).toBe(200);
  const message = (await response.json()) as { readonly content: unknown };
  return JSON.stringify(message.content);
}

describe('simulate', () => {
  it('answers /v1/messages, the same for the same seed, and leaves with 0 on SIGTERM', async () => {
    const one = await simulate('--profile', 'instant', '--seed', '7');
    const two = await simulate('--profile', 'instant', '--seed', '7');
    expect(await ask(one.url)).toBe(await ask(two.url));
    one.command.kill('SIGTERM');
    expect(await one.command.ended).toBe(0);
  });

  it('lets virtual time be moved', async () => {
    const { url } = await simulate('--clock', 'virtual');
    const now = async (init?: RequestInit): Promise<number> => {
      const response = await fetch(`${url}/sim/clock`, init);
      return ((await response.json()) as { readonly now_ms: number }).now_ms;
    };
    const before = await now();
    expect(await now({ method: 'POST', body: '{"advance_ms": 60000}' })).toBe(before + 60_000);
  });

  it('names every wrong option in a line and leaves with 2', async () => {
    const { code, out, err } = await runCommand(['simulate', '--port', '65536', '--clock', 'slow'], tmpdir());
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      'batchwright: --port is "65536", but must be a whole number from 0 to 65535.\n' +
        'batchwright: --clock is "slow", but must be one of real, virtual.\n',
    );
  });

  it.each(['simulate', 'serve'])('refuses a port that no client of fetch reaches: %s', async (command) => {
    const { code, out, err } = await runCommand([command, '--port', '10080'], tmpdir());
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^batchwright: --port is "10080", .*browsers and the fetch of the SDKs.* such as 10081\.\n$/);
  });

  it('caches prompts as its options say, and shows the bill', async () => {
    const { url } = await simulate(
      '--profile',
      'instant',
      '--batch-cache',
      'shared',
      '--cache-visibility',
      'completion+0',
    );
    const doc = { type: 'text', text: '@@sim{"tokens":5000}@@ doc', cache_control: { type: 'ephemeral' } };
    await ask(url, [doc]);
    await ask(url, [doc], { 'batchwright-surface': 'batch' });
    const { totals } = (await (await fetch(`${url}/sim/ledger`)).json()) as { readonly totals: Record<string, number> };
    expect(totals).toMatchObject({ requests: 2, cache_creation_input_tokens: 5000, cache_read_input_tokens: 5000 });
  });

  it('names every wrong option of the cache and of batches', async () => {
    const wrong = [
      '--cache-visibility',
      'soon',
      '--cache-loss',
      '2',
      '--cache-refresh',
      'none',
      '--batch-latency',
      '1s',
    ];
    const { code, err } = await runCommand(['simulate', ...wrong], tmpdir());
    expect(code).toBe(2);
    expect(err.trim().split('\n')).toEqual([
      'batchwright: --cache-visibility is "soon", but must be one of first_byte, completion, allocation, perhaps with +<milliseconds>.',
      'batchwright: --cache-loss is "2", but must be a share from 0 to 1.',
      'batchwright: --cache-refresh is "none", but must be one of path, exact.',
      'batchwright: --batch-latency is "1s", but must be a whole number of milliseconds.',
    ]);
  });

  it('says that the port is taken, and leaves with 1', async () => {
    const { url } = await simulate();
    const { port } = new URL(url);
    const { code, err } = await runCommand(['simulate', '--port', port], tmpdir());
    expect(code).toBe(1);
    expect(err).toBe(
      `batchwright: cannot listen on 127.0.0.1:${port}: it is taken. Choose another with --host and --port.\n`,
    );
  });
});
