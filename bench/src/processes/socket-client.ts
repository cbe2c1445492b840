import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerCommands } from './commands.ts';
import { makeParams } from './request-bodies.ts';
import { contentLength } from './wire.ts';

/**
 * The physical limit that dispatch is compared with: HTTP/1.1 written by hand on sockets, one request per connection at
 * a time. It reads nothing from a disk, judges no answer and keeps none.
 */
export interface ClientRun {
  readonly port: number;
  readonly count: number;
  readonly connections: number;
}

export interface ClientSpeed {
  readonly seconds: number;
  readonly cpuMicroseconds: number;
}

export type LoadClient = {
  readonly run: (order: ClientRun) => Promise<ClientSpeed>;
};

/** Bodies that the requests take turns with; enough that they do not stay in the processor's cache. */
const BODIES = 5000;
const params = makeParams('prose');
const bodies = Array.from({ length: BODIES }, (_, request) => Buffer.from(params(request)));

answerCommands({ run } satisfies LoadClient);

async function run({ port, count, connections }: ClientRun): Promise<ClientSpeed> {
  const usage = process.cpuUsage();
  const startedMs = performance.now();
  await sendAll(port, count, connections);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(usage);
  return { seconds, cpuMicroseconds: user + system };
}

function sendAll(port: number, count: number, connections: number): Promise<void> {
  const head =
    `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
    'x-api-key: sk-test\r\nanthropic-version: 2023-06-01\r\ncontent-length: ';
  let next = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const sendNext = (socket: Socket): void => {
      if (next >= count) return void socket.destroy();
      const body = bodies[next++ % BODIES] as Buffer;
      socket.cork();
      socket.write(`${head}${body.length}\r\n\r\n`, 'latin1');
      socket.write(body);
      socket.uncork();
    };
    for (let opened = 0; opened < Math.min(connections, count); opened++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let partial: Buffer | null = null;
      socket.on('connect', () => sendNext(socket));
      socket.on('error', reject);
      socket.on('data', (chunk: Buffer) => {
        const bytes: Buffer = partial === null ? chunk : Buffer.concat([partial, chunk]);
        partial = bytes;
        const headEnd = bytes.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const answerHead = bytes.toString('latin1', 0, headEnd);
        if (bytes.length < headEnd + 4 + contentLength(answerHead)) return;
        if (!answerHead.startsWith('HTTP/1.1 200')) reject(new Error(answerHead));
        partial = null;
        done++;
        sendNext(socket);
        if (done === count) resolve();
      });
    }
  });
}
