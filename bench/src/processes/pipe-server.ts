import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerCommands, startOptions } from './commands.ts';

/** What a download is compared with: a file piped to the answer in pieces of a megabyte. */
export interface PipeServerOptions {
  readonly file: string;
}

export type PipeServer = {
  readonly port: () => Promise<number>;
};

const MEGABYTE = 1024 * 1024;
const { file } = startOptions() as PipeServerOptions;
const server = createServer((_request, response) => {
  createReadStream(file, { highWaterMark: MEGABYTE }).pipe(response);
});
const listening = new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
});
answerCommands({ port: () => listening } satisfies PipeServer);
