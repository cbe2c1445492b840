import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeServer, message } from '../harness/scripted-upstream.ts';
import { answerTo } from './counting-upstream.ts';

/** Ways to fail a call below or beside HTTP. Each is done to the first call of a request; the second is answered well. */
export const MISBEHAVIOURS = [
  'stalls',
  'stalls after the head',
  'resets',
  'resets in the body',
  'ends before its length',
  'sends 100 MB',
  'sends bytes that are not HTTP',
  'sends a page of HTML with status 200',
  'sends JSON that is cut',
  'sends a megabyte of headers',
  'sends null with status 200',
  'sends an array with status 200',
  'sends bytes that are no text with status 200',
  'sends an error with status 200',
  'answers nothing with status 200',
] as const;
/** Ways to be odd that are answers all the same: nothing may be sent twice for them. */
export const ODDITIES = [
  'trickles',
  'closes the connection at once',
  'answers before it was asked all',
  'answers twice',
  "names another request's id",
  'sends 20 MB',
] as const;

export type Misbehaviour = (typeof MISBEHAVIOURS)[number];
export type Oddity = (typeof ODDITIES)[number];

export interface MisbehavingUpstream {
  readonly url: string;
  /** How often each custom_id was called. */
  readonly calls: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** The prompt of a request is its custom_id, a blank, and what is to be done to it after an underscore-free name. */
export async function startMisbehavingUpstream(
  behaviour: (customId: string) => Misbehaviour | Oddity,
): Promise<MisbehavingUpstream> {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    request.on('error', () => undefined); // The server hangs up on some of what follows.
    request.once('data', (chunk: Buffer) => {
      // Sent before the word came that the connection is closed: nobody does any work for it.
      if (request.socket.writableEnded) return;
      const customId = /"content":"([\w-]+) /.exec(chunk.toString())?.[1] ?? '';
      const before = calls.get(customId) ?? 0;
      calls.set(customId, before + 1);
      const how = behaviour(customId);
      if (before > 0 && !ODDITIES.some((oddity) => oddity === how)) answerWell(request, response, customId);
      else misbehave(how, request, response, customId);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, calls, close: () => closeServer(server) };
}

function bodyFor(customId: string): string {
  return JSON.stringify(message(answerTo(customId)));
}

function answerWell(request: IncomingMessage, response: ServerResponse, customId: string): void {
  request.resume();
  request.once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(bodyFor(customId));
  });
}

function misbehave(
  how: Misbehaviour | Oddity,
  request: IncomingMessage,
  response: ServerResponse,
  customId: string,
): void {
  const { socket } = request;
  const body = bodyFor(customId);
  const head = (length: number): void => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
  };
  request.resume();
  switch (how) {
    case 'stalls':
      return;
    case 'stalls after the head':
      head(body.length);
      response.write(body.slice(0, 10));
      return;
    case 'resets':
      socket.resetAndDestroy();
      return;
    case 'resets in the body':
      head(body.length);
      response.write(body.slice(0, 50), () => socket.resetAndDestroy());
      return;
    case 'ends before its length':
      head(body.length);
      response.write(body.slice(0, -1), () => socket.end());
      return;
    case 'sends 100 MB':
      head(100 * MEGABYTE);
      return sendMegabytes(response, 100);
    case 'sends bytes that are not HTTP':
      socket.end(Buffer.from([0, 255, 13, 10, 13, 10, 0, 1, 2]));
      return;
    case 'sends a page of HTML with status 200':
      response.end('<html><body>Bad gateway</body></html>');
      return;
    case 'sends JSON that is cut':
      response.end(body.slice(0, -2));
      return;
    case 'sends a megabyte of headers':
      socket.end(`HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(MEGABYTE)}\r\n\r\n`);
      return;
    case 'sends null with status 200':
      response.end('null');
      return;
    case 'sends an array with status 200':
      response.end(`[${body}]`);
      return;
    case 'sends bytes that are no text with status 200':
      response.end(Buffer.from(body.replaceAll('answer', 'answ\xff'), 'latin1'));
      return;
    case 'sends an error with status 200':
      response.end('{"type":"error","error":{"type":"api_error","message":"not now"}}');
      return;
    case 'answers nothing with status 200':
      response.end();
      return;
    case 'answers twice':
      // Both at once. A second one that comes when the connection has the next call on it is that call's, to any client.
      socket.write(`${whole(body)}${whole(bodyFor('nobody'))}`);
      return;
    case "names another request's id":
      response.setHeader('request-id', 'req_of_another');
      response.end(JSON.stringify({ ...message(answerTo(customId)), id: 'msg_of_another', custom_id: 'how0-0' }));
      return;
    case 'sends 20 MB':
      response.end(JSON.stringify(message(answerTo(customId) + ' '.repeat(20 * MEGABYTE))));
      return;
    case 'trickles':
      head(body.length);
      return trickle(response, body);
    case 'closes the connection at once':
      // Without saying so in a header, right after its answer: a call sent between the two is lost, to any client.
      socket.end(whole(body));
      return;
    case 'answers before it was asked all':
      response.end(body);
      return;
    default:
      how satisfies never;
  }
}

const MEGABYTE = 1024 * 1024;

/** An answer with its head, for what `node:http` would not send. */
function whole(body: string): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

/** As fast as the other side takes them, until it hangs up. */
function sendMegabytes(response: ServerResponse, count: number): void {
  if (count === 0) response.end();
  else
    response.write(Buffer.alloc(MEGABYTE, 0x20), (error) => (error ? undefined : sendMegabytes(response, count - 1)));
}

const PIECES = 30;
const PIECE_MS = 50;

/** All in all longer than a call may be silent, piece by piece much shorter. */
function trickle(response: ServerResponse, rest: string): void {
  const piece = Math.ceil(rest.length / PIECES);
  let sent = 0;
  const timer = setInterval(() => {
    response.write(rest.slice(sent, sent + piece));
    sent += piece;
    if (sent < rest.length) return;
    clearInterval(timer);
    response.end();
  }, PIECE_MS);
  response.once('close', () => clearInterval(timer));
}
