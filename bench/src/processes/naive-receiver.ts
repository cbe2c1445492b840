import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { answerCommands, startOptions } from './commands.ts';

/**
 * What an upload is compared with. `drop` is the least that node:http can do: it reads the body and forgets it. `store`
 * is what a handler without streaming does, body parser or not: gather, parse, make one JSON line per request, append
 * them to a file and sync it.
 */
export interface NaiveReceiverOptions {
  readonly mode: 'drop' | 'store';
  readonly directory: string;
}

export type NaiveReceiver = {
  readonly port: () => Promise<number>;
};

const { mode, directory } = startOptions() as NaiveReceiverOptions;
const receive = mode === 'drop' ? drop : store;
const server = createServer((request, response) => {
  receive(request).then(
    () => response.end('{}'),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
const listening = new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
});
answerCommands({ port: () => listening } satisfies NaiveReceiver);

function drop(request: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    request.on('data', () => {});
    request.on('end', resolve);
    request.on('error', reject);
  });
}

interface CreateBody {
  readonly requests: readonly { readonly custom_id: string; readonly params: unknown }[];
}

let stored = 0;

async function store(request: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { requests } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as CreateBody;
  const lines = requests.map((each) => `${JSON.stringify({ id: each.custom_id, params: each.params })}\n`);
  const file = await open(join(directory, `${stored++}.jsonl`), 'a');
  await file.appendFile(lines.join(''));
  await file.datasync();
  await file.close();
}
