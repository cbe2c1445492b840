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

async function ask(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'claude-haiku-4-5',
      max_tokens: 64,
      messages: [{ role: 'user', content: 'What is AI?' }],
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
