import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { answerCommands } from './commands.ts';
import { API_HEADERS } from './wire.ts';

/** A reader that costs as little as a reader can: one reused buffer, nothing kept. */
export interface Download {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
}

export interface Downloaded {
  readonly seconds: number;
  /** Over all connections, heads included. */
  readonly bytes: number;
}

export type Downloader = {
  readonly download: (order: Download) => Promise<Downloaded>;
};

const BUFFER_BYTES = 1024 * 1024;
const OK = 'HTTP/1.1 200';

answerCommands({
  async download({ port, path, connections }) {
    const startedMs = performance.now();
    const all = await Promise.all(Array.from({ length: connections }, () => read(port, path)));
    return { seconds: (performance.now() - startedMs) / 1000, bytes: all.reduce((sum, bytes) => sum + bytes, 0) };
  },
} satisfies Downloader);

/** Reads until the server closes, which it is asked to do after the answer. */
function read(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
        callback: (count, buffer) => {
          const start =
            bytes === 0 ? Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1', 0, 12) : OK;
          if (start !== OK) reject(new Error(`answered ${start}`));
          bytes += count;
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(bytes));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${API_HEADERS}connection: close\r\n\r\n`);
  });
}
