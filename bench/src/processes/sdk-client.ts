import { performance } from 'node:perf_hooks';
import Anthropic from '@anthropic-ai/sdk';
import type { MessageCreateParamsNonStreaming } from '@anthropic-ai/sdk/resources/messages';
import { answerCommands } from './commands.ts';
import { makeParams } from './request-bodies.ts';
import type { ClientRun, ClientSpeed, LoadClient } from './socket-client.ts';

/** What most people write: the official SDK and a limit on how many calls run at once. Nothing is kept. */
const params = makeParams('prose');
const calls = Array.from(
  { length: 1000 },
  (_, request) => JSON.parse(params(request)) as MessageCreateParamsNonStreaming,
);

answerCommands({ run } satisfies LoadClient);

async function run({ port, count, connections }: ClientRun): Promise<ClientSpeed> {
  const client = new Anthropic({ apiKey: 'sk-test', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 });
  const usage = process.cpuUsage();
  const startedMs = performance.now();
  let next = 0;
  const callInTurn = async (): Promise<void> => {
    while (next < count) {
      const message = await client.messages.create(calls[next++ % calls.length] as MessageCreateParamsNonStreaming);
      if (message.usage.output_tokens !== 6) throw new Error('another answer than the upstream gives');
    }
  };
  await Promise.all(Array.from({ length: connections }, callInTurn));
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(usage);
  return { seconds, cpuMicroseconds: user + system };
}
