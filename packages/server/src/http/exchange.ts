import { makeId, type Problem } from '@batchwright/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { storageFault } from '../runtime/storage-fault.ts';
import { StoredDamageError } from '../spool/stored-damage.ts';
import { admitCaller, verifyKey } from './admission.ts';
import type { Call, Params, Room } from './call.ts';
import { isHost } from './public-url.ts';
import { refuse, send, type Reply } from './reply.ts';
import { matchRoute, type Route } from './route.ts';
import { EMULATOR_ROUTES, ROUTES } from './routes.ts';
import { readTarget } from './target.ts';

/** What the client's `expect` header asks for before it sends its body. */
export type Expectation = 'none' | 'continue' | 'unknown';

/** The route label of calls that match no route. */
const UNMATCHED = 'unmatched';

/** SDKs send some twenty headers, and a chain of proxies adds as many. */
const MOST_HEADERS = 256;

/** Takes up a call: its id goes on the response at once, and its end is logged and counted however it comes. */
export function beginCall(
  room: Room,
  request: IncomingMessage,
  response: ServerResponse,
  expectation: Expectation,
): Call {
  const call: Call = {
    requestId: makeId('request', room.services.randomBytes),
    request,
    response,
    method: request.method ?? 'GET',
    ...readTarget(request, room.services.settings.publicUrl),
    expectsContinue: expectation === 'continue',
    startedMs: performance.now(),
    facts: { route: UNMATCHED },
  };
  response.setHeader('request-id', call.requestId);
  // Without a listener a late failure of either stream would end the process; both are over by then, and logged as such.
  request.on('error', () => {});
  response.on('error', (err) => room.services.log.warn({ requestId: call.requestId, err }, 'a response failed'));
  response.once('close', () => record(room, call));
  return call;
}

/** Answers a call. Never rejects: what a handler throws becomes a 500, or a cut where the response had begun. */
export async function answerCall(room: Room, call: Call, expectation: Expectation): Promise<void> {
  try {
    send(call, await decide(room, call, expectation));
  } catch (err) {
    const { requestId, facts } = call;
    room.services.log.error({ requestId, route: facts.route, batchId: facts.batchId, err }, 'a call failed');
    if (call.response.headersSent) call.response.destroy();
    else send(call, refuse(problemOf(err)));
  }
}

/** What a caller is told of a failure that is not theirs; its cause is for the log. */
function problemOf(error: unknown): Problem {
  if (error instanceof StoredDamageError) {
    const { batchId, file, byte } = error.place;
    return { type: 'stored_damaged', batchId, where: byte === null ? file : `${file}, byte ${byte}` };
  }
  const fault = storageFault(error);
  switch (fault) {
    case 'full':
    case 'unwritable':
      return { type: 'storage_unwritable' };
    case 'no_descriptors':
      return { type: 'descriptors_exhausted' };
    case null:
      return { type: 'unexpected' };
    default:
      return fault satisfies never;
  }
}

/** In this order: HTTP itself, path, method, who calls, how often; then the handler. */
async function decide(room: Room, call: Call, expectation: Expectation): Promise<Reply> {
  if (call.request.rawHeaders.length > 2 * MOST_HEADERS) return refuse({ type: 'headers_too_large' });
  const fault = findHeadFault(call.request);
  if (fault !== null) return refuse({ type: 'http_malformed', reason: fault });
  if (expectation === 'unknown') return refuse({ type: 'expectation_unknown' });

  const routes = room.services.emulator === null ? ROUTES : [...ROUTES, ...EMULATOR_ROUTES];
  const match = matchRoute(routes, call.method, call.path);
  switch (match.type) {
    case 'unknown_path':
      return refuse({ type: 'path_not_found', path: call.path });
    case 'wrong_method': {
      const problem = { type: 'method_not_allowed', method: call.method, path: call.path } as const;
      return refuse(problem, { allow: match.allowed.join(', ') });
    }
    case 'found':
      call.facts.route = match.route.path;
      return handle(room, call, match.route, match.params);
    default:
      return match satisfies never;
  }
}

/** What is wrong with a head that could be parsed. Two hosts could mean one thing to a proxy and another to us. */
function findHeadFault({ headers, rawHeaders, httpVersion }: IncomingMessage): string | null {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'its version is neither HTTP/1.1 nor HTTP/1.0';
  // HTTP/1.0 knew no host header, and health checks of old still speak it.
  if (headers.host === undefined) return httpVersion === '1.0' ? null : 'the host header is missing';
  if (!isHost(headers.host)) return 'the host header is no host with an optional port';
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  return hosts.length === 1 ? null : 'there is more than one host header';
}

async function handle(room: Room, call: Call, route: Route, params: Params): Promise<Reply> {
  switch (route.access) {
    case 'open':
      return route.handle(room, call, params);
    case 'operator': {
      const key = room.services.settings.metricsOpen ? null : await verifyKey(room, call);
      return key?.type === 'refused' ? refuse(key.problem) : route.handle(room, call, params);
    }
    case 'caller': {
      const admission = await admitCaller(room, call);
      if (admission.type === 'refused') return refuse(admission.problem);
      const { caller } = admission;
      const problem = route.counted ? countCall(room, call, caller.workspaceId) : null;
      return problem === null ? route.handle(room, call, params, caller) : refuse(problem);
    }
    default:
      return route satisfies never;
  }
}

function countCall(room: Room, call: Call, workspaceId: Parameters<Room['rate']['count']>[0]) {
  const counted = room.rate.count(workspaceId, room.services.clock.now());
  for (const [name, value] of Object.entries(counted.headers)) call.response.setHeader(name, value);
  return counted.problem;
}

const API_ROUTE = /^(?:\/ext)?\/v1(?:\/|$)/;

function record(room: Room, call: Call): void {
  const { facts, response } = call;
  const ms = (facts.answeredMs ?? performance.now()) - call.startedMs;
  const aborted = !response.writableFinished;
  // 499 as proxies use it: the client had gone before there was an answer.
  const status = aborted && !response.headersSent ? 499 : response.statusCode;
  room.services.metrics.httpAnswered(facts.route, status, ms / 1000);
  const { route, workspaceId, batchId, bytes } = facts;
  const fields = { requestId: call.requestId, method: call.method, route, status, ms: Math.round(ms * 10) / 10, bytes };
  // Probes come every few seconds and say nothing; they are there for whoever looks closely.
  const level = API_ROUTE.test(route) || status >= 400 ? 'info' : 'debug';
  room.services.log[level]({ ...fields, aborted: aborted || undefined, workspaceId, batchId }, 'http');
}
