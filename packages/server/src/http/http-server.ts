import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { bufferedBytes, type Call, type Room } from './call.ts';
import { callRate } from './call-rate.ts';
import { answerCall, beginCall, type Expectation } from './exchange.ts';
import { connectionProblem, refuseRaw } from './raw-refusal.ts';
import { refuse, send } from './reply.ts';
import type { HttpServices } from './services.ts';
import { Watches } from './watches.ts';

/**
 * The HTTP room: turns bytes into calls and values into responses, and decides nothing about batches. Every response,
 * also to what was never valid HTTP, carries a request id and, if it is an error, the API's envelope; everything is scoped
 * by the workspace of the caller's key, which handlers are given and cannot choose.
 *
 * On bare `node:http`: the server should listen within a few milliseconds of Node itself, bodies of 256 MB must stream
 * through without a copy, and results must leave two buffers at a time. A framework would cost start-up (34 to 110 ms
 * measured) and hide exactly the moments that matter here: before the body, and after a refusal.
 */
export interface HttpServer {
  listen(host: string, port: number): Promise<{ readonly port: number }>;
  /** From now on creates are refused; everything else goes on, so that clients can still poll and download. */
  stopAccepting(): void;
  /** Ends what only waits for news, takes no new connections, lets calls under way finish for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Bounds on what one client can hold. No limit on a whole request's time: a slow upload of 256 MB is legal. */
const HEADER_BYTES = 32 * 1024;
const KEEP_ALIVE_MS = 75_000;
/** Turned away connections are told of this often, with how many there were; a line for each would be a flood of its own. */
const DROPS_TOLD_MS = 10_000;
/** Calls of one connection that may wait for their answers. Clients send one; without a bound a connection is a thousand. */
const MOST_PIPELINED = 32;

/** Makes the server; it listens when told to. */
export function createHttpServer(services: HttpServices): HttpServer {
  let isShuttingDown = false;
  let isClosing = false;
  const room: Room = {
    services,
    rate: callRate(services.settings.requestsPerMinute),
    buffered: bufferedBytes(services.settings.messageBodiesBytes),
    watches: new Watches(services, services.settings.maxWatches),
    isShuttingDown: () => isShuttingDown,
  };
  const server = makeServer(services);
  const connections = new WeakMap<Duplex, Connection>();

  const serve = (request: IncomingMessage, response: ServerResponse, expectation: Expectation): void => {
    const call = beginCall(room, request, response, expectation);
    const connection = { latest: call, underWay: (connections.get(request.socket)?.underWay ?? 0) + 1 };
    connections.set(request.socket, connection);
    const isTooMany = connection.underWay > MOST_PIPELINED;
    if (isClosing || isTooMany) response.setHeader('connection', 'close');
    response.once('close', () => {
      const now = connections.get(request.socket);
      if (now !== undefined) now.underWay--;
      // A connection kept alive by its client would otherwise outlast the server by its whole idle time.
      if (isClosing) server.closeIdleConnections();
    });
    if (isTooMany) send(call, refuse(TOO_MANY_PIPELINED));
    else void answerCall(room, call, expectation);
  };
  server.on('request', (request, response) => serve(request, response, 'none'));
  server.on('checkContinue', (request, response) => serve(request, response, 'continue'));
  server.on('checkExpectation', (request, response) => serve(request, response, 'unknown'));
  server.on('connect', (_request, socket) => {
    // Behind a call that is not answered yet, an answer of our own would stand in the middle of that call's.
    if ((connections.get(socket)?.underWay ?? 0) > 0) socket.destroy();
    else refuseRaw(socket, { type: 'method_not_allowed', method: 'CONNECT', path: '/' }, services.randomBytes);
  });
  server.on('clientError', (error, socket) => refuseConnection(room, connections.get(socket)?.latest, error, socket));
  server.on('drop', tellOfDrops(services));

  return {
    listen: (host, port) => listen(server, host, port),
    stopAccepting() {
      isShuttingDown = true;
    },
    close(graceMs) {
      isShuttingDown = true;
      isClosing = true;
      room.watches.close();
      return close(server, graceMs);
    },
  };
}

/** What is known of an open connection. */
interface Connection {
  readonly latest: Call;
  /** Its calls that are not answered yet. */
  underWay: number;
}

const TOO_MANY_PIPELINED = {
  type: 'http_malformed',
  reason: `more than ${MOST_PIPELINED} requests of this connection are unanswered`,
} as const;

function makeServer(services: HttpServices): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: services.settings.headersTimeoutMs,
    connectionsCheckingInterval: Math.ceil(services.settings.headersTimeoutMs / 2),
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Dead peers are found by the kernel: a download may rightly stand still for hours while its reader is busy.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    // Checked by us, since Node's own refusal has no envelope.
    requireHostHeader: false,
  });
  server.maxConnections = services.settings.maxConnections;
  // Node would drop the two thousand and first header without a word, and with it perhaps the key; `exchange.ts` counts.
  server.maxHeadersCount = 0;
  return server;
}

/** Tells of the first connection turned away at once, and of those after it by number. */
function tellOfDrops({ log, pace }: HttpServices): () => void {
  let untold = 0;
  let toldMs = Number.NEGATIVE_INFINITY;
  return () => {
    untold++;
    if (pace.now() - toldMs < DROPS_TOLD_MS) return;
    log.warn({ reason: 'too many connections', count: untold }, 'turned connections away');
    untold = 0;
    toldMs = pace.now();
  };
}

/** Sockets already answered; the parser may report the same fault again for what arrives after it. */
const refused = new WeakSet<Duplex>();

function refuseConnection(room: Room, call: Call | undefined, error: Error, socket: Duplex): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  const problem = connectionProblem(error);
  const isAnswering = call !== undefined && !call.response.writableFinished && !call.response.destroyed;
  if (isAnswering && call.request.complete) return closeAfter(call, socket);
  if (problem === null || !socket.writable || (isAnswering && call.response.headersSent)) {
    socket.destroy();
    return;
  }
  if (isAnswering) {
    // The fault lies in the body of a call under way; its own response says so, and the handler's will come too late.
    call.response.setHeader('connection', 'close');
    send(call, refuse(problem));
    call.response.end();
    // Node forgets a request that was answered: whoever reads its body would wait in vain, and hold its place in intake.
    socket.once('close', () => call.request.destroy());
    return;
  }
  const requestId = refuseRaw(socket, problem, room.services.randomBytes);
  room.services.log.debug({ requestId, reason: problem.type }, 'refused a malformed request');
}

/** The fault lies in what was sent after a call that is whole. That call did no wrong: it is answered, and is the last. */
function closeAfter({ response }: Call, socket: Duplex): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
  response.once('close', () => socket.destroy());
}

function listen(server: Server, host: string, port: number): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve({ port: typeof address === 'object' && address !== null ? address.port : port });
    });
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
