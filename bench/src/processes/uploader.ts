import { performance } from 'node:perf_hooks';
import { answerCommands, startOptions } from './commands.ts';
import { makeBody, type BodyKind } from './request-bodies.ts';
import { API_HEADERS, connectTo, readAnswer } from './wire.ts';

/** A client that holds one create body in memory and sends it as fast as the socket takes it. */
export interface UploaderOptions {
  readonly kind: BodyKind;
  readonly count: number;
}

export interface Upload {
  /** From the first byte sent to the answer received. */
  readonly seconds: number;
  readonly bytes: number;
  /** The batch made, when a batch was made. */
  readonly batchId: string | null;
}

export type Uploader = {
  readonly upload: (port: number) => Promise<Upload>;
  /** Several uploads at once, each on its own connection. */
  readonly uploadTogether: (order: { readonly port: number; readonly uploads: number }) => Promise<readonly Upload[]>;
};

const { kind, count } = startOptions() as UploaderOptions;
const body = makeBody(kind, count);
const head =
  `POST /v1/messages/batches HTTP/1.1\r\nhost: 127.0.0.1\r\n${API_HEADERS}` +
  `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;

answerCommands({
  upload,
  uploadTogether: ({ port, uploads }) => Promise.all(Array.from({ length: uploads }, () => upload(port))),
} satisfies Uploader);

async function upload(port: number): Promise<Upload> {
  const socket = await connectTo(port);
  const answered = readAnswer(socket);
  const startedMs = performance.now();
  socket.write(head, 'latin1');
  socket.write(body);
  const { status, body: text } = await answered;
  const seconds = (performance.now() - startedMs) / 1000;
  socket.destroy();
  if (status !== 200) throw new Error(`answered ${status}: ${text}`);
  return { seconds, bytes: body.length, batchId: /"id":\s*"([^"]+)"/.exec(text)?.[1] ?? null };
}
