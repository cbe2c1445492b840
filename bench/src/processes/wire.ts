import { connect, type Socket } from 'node:net';

/** What the bench speaks to servers with: the API's headers, and answers read from a bare socket. */
export const API_KEY = 'sk-bw-bench-0000000000000000000000000000000000';
export const API_HEADERS = `x-api-key: ${API_KEY}\r\nanthropic-version: 2023-06-01\r\n`;

/** An HTTP/1.1 answer that states its length. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';

/** Connects to a port of this machine. */
export function connectTo(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Reads the one answer that is expected next. */
export function readAnswer(socket: Socket): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const answer = parseAnswer(received);
      if (answer !== null) settle(() => resolve(answer));
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void =>
      settle(() => reject(new Error(`closed before an answer: ${received.toString('latin1')}`)));
    const settle = (then: () => void): void => {
      socket.off('data', onData).off('error', onError).off('close', onClose);
      then();
    };
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}

function parseAnswer(received: Buffer): Answer | null {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = received.toString('latin1', 0, headEnd);
  const bodyAt = headEnd + HEAD_END.length;
  const end = bodyAt + contentLength(head);
  if (received.length < end) return null;
  return { status: Number(head.slice(9, 12)), body: received.toString('utf8', bodyAt, end) };
}

/** The length that a head states; 0 when it states none. */
export function contentLength(head: string): number {
  // Both sides write it in lower case nearly always; the pattern is for the rest.
  const at = head.indexOf('content-length: ');
  if (at >= 0) return Number.parseInt(head.slice(at + 16, at + 32), 10);
  return Number(/content-length:\s*(\d+)/i.exec(head)?.[1] ?? 0);
}
