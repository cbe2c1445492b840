import { Buffer } from 'node:buffer';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VirtualClock, type Clock } from '@batchwright/core';
import { LIMITS, wireError } from '@batchwright/protocol';
import { BATCHES_PATH } from '../batches/batch-calls.ts';
import { ClockDriver } from '../control/clock-driver.ts';
import { createControl, type Control } from '../control/control.ts';
import type { Simulator } from '../simulator.ts';
import { errorResponse, type WholeResponse } from '../wire/response.ts';

export interface ServeOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The simulator's clock; a virtual one can be moved over HTTP. */
  readonly clock: Clock;
}

export interface ServedSimulator {
  readonly url: string;
  /** Closes at once, connections included. */
  close(): Promise<void>;
}

/** Serves a simulator over HTTP, with its control endpoints under `/sim`. */
export async function serveSimulator(simulator: Simulator, options: ServeOptions): Promise<ServedSimulator> {
  const driver = options.clock instanceof VirtualClock ? new ClockDriver(options.clock, simulator) : null;
  const control = createControl(simulator, options.clock, driver);
  const server = createServer((request, response) => {
    void answer(simulator, control, request, response, driver);
  });
  // Longer than clients keep idle connections, so that none is closed under a request on its way.
  server.keepAliveTimeout = 65_000;
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    close: () => {
      simulator.close();
      return closed(server);
    },
  };
}

async function answer(
  simulator: Simulator,
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
  driver: ClockDriver | null,
): Promise<void> {
  const body = await readBody(request, limitOf(request));
  if (body === 'broken_off') return;
  if (body === 'too_large') return refuseLarge(response, limitOf(request));
  if (control.owns(request.url ?? '/')) return answerControl(control, request, response, body);
  answerCall(simulator, request, response, body);
  driver?.nudge();
}

function listening(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(`The simulator cannot listen on ${host}:${port}.`, { cause })));
    server.listen(port, host, resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Closing a server twice is the only error there is, and changes nothing.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function limitOf({ method, url }: IncomingMessage): number {
  return method === 'POST' && url?.split('?', 1)[0] === BATCHES_PATH ? LIMITS.batchBodyBytes : LIMITS.messageBodyBytes;
}

function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer | null | 'too_large' | 'broken_off'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) resolve('too_large');
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(bytes === 0 ? null : Buffer.concat(chunks)));
    // A client that goes away gets no answer; there is nobody left to tell.
    request.on('error', () => resolve('broken_off'));
    request.on('close', () => resolve('broken_off'));
  });
}

function refuseLarge(response: ServerResponse, limitBytes: number): void {
  const error = wireError({ type: 'body_too_large', limitBytes });
  response.setHeader('connection', 'close');
  send(response, errorResponse(error, 'req_sim_too_large'));
}

function answerCall(
  simulator: Simulator,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | null,
): void {
  const cancel = simulator.handle(
    { method: request.method ?? 'GET', path: request.url ?? '/', headers: request.headers, body },
    {
      onHead: (status, headers) => void response.writeHead(status, headers),
      onData: (chunk) => void response.write(chunk),
      onEnd: () => void response.end(),
      onFailure: () => breakOff(response),
    },
  );
  response.on('close', cancel);
}

/** What was sent so far is on its way before the connection goes, as it would be from a server that dies. */
function breakOff(response: ServerResponse): void {
  if (!response.headersSent || response.writableLength === 0) response.destroy();
  else response.write('', () => response.destroy());
}

async function answerControl(
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | null,
): Promise<void> {
  try {
    send(response, await control.answer(request.method ?? 'GET', request.url ?? '/', body));
  } catch (error) {
    // A clock action that threw is a mistake of ours, or of a test's; the one who moved the clock should hear of it.
    send(response, errorResponse({ type: 'api_error', message: String(error) }, 'req_sim_control'));
  }
}

function send(response: ServerResponse, { status, headers, body }: WholeResponse): void {
  response.writeHead(status, headers);
  response.end(body);
}
