import { errorEnvelope, errorStatus, wireError, type Problem } from '@batchwright/protocol';
import type { Call } from './call.ts';
import { dropBody } from './dropped-body.ts';

/** What a handler decided to answer. */
export type Reply =
  | { readonly type: 'content'; readonly status: number; readonly headers: ReplyHeaders; readonly body: Body }
  | { readonly type: 'problem'; readonly problem: Problem; readonly headers: ReplyHeaders }
  /** The handler wrote the response itself. */
  | { readonly type: 'sent' }
  /** Nobody is left to answer. */
  | { readonly type: 'gone' };

export type ReplyHeaders = Readonly<Record<string, string>>;
type Body = string | Uint8Array;

export const SENT: Reply = { type: 'sent' };
export const GONE: Reply = { type: 'gone' };

/** 200 with a JSON body. */
export function json(body: unknown, headers: ReplyHeaders = {}, status = 200): Reply {
  const text = JSON.stringify(body);
  return { type: 'content', status, headers: { 'content-type': 'application/json', ...headers }, body: text };
}

/** The caller's mistake, in the API's envelope. */
export function refuse(problem: Problem, headers: ReplyHeaders = {}): Reply {
  return { type: 'problem', problem, headers };
}

/** Writes a reply. A response that has begun is left alone, so the first answer stands. */
export function send(call: Call, reply: Reply): void {
  switch (reply.type) {
    case 'content':
      return write(call, reply.status, reply.headers, reply.body);
    case 'problem':
      return sendProblem(call, reply.problem, reply.headers);
    case 'sent':
      return;
    case 'gone':
      call.response.destroy();
      return;
    default:
      reply satisfies never;
  }
}

function sendProblem(call: Call, problem: Problem, headers: ReplyHeaders): void {
  const error = wireError(problem);
  const wait: ReplyHeaders =
    error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterSeconds)) };
  // Of a body that stopped arriving the rest is not waited for.
  const last: ReplyHeaders = problem.type === 'body_timed_out' ? { connection: 'close' } : {};
  const body = JSON.stringify(errorEnvelope(error, call.requestId));
  write(call, errorStatus(error), { 'content-type': 'application/json', ...wait, ...last, ...headers }, body);
}

function write(call: Call, status: number, headers: ReplyHeaders, body: Body): void {
  const { response } = call;
  if (response.headersSent || response.destroyed) return;
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  call.facts.bytes = bytes;
  call.facts.answeredMs = performance.now();
  if (!bodyIsOutstanding(call)) {
    response.writeHead(status, { ...headers, 'content-length': bytes });
    response.end(body);
    return;
  }
  // The client is still sending, and most clients read an answer only after they have sent everything. Closing now would
  // reset the connection under their hands (EPIPE), so the answer goes out whole and the rest of the body is dropped.
  response.writeHead(status, { ...headers, 'content-length': bytes, connection: 'close' });
  response.write(body);
  dropBody(call.request, () => response.end());
}

/** A body this short is in the socket already, and Node reads it away by itself; the connection stays usable. */
const SHORT_BODY_BYTES = 64 * 1024;

function bodyIsOutstanding(call: Call): boolean {
  const { request } = call;
  if (request.complete) return false;
  if (request.headers['transfer-encoding'] !== undefined) return true;
  const length = Number(request.headers['content-length'] ?? 0);
  return length > SHORT_BODY_BYTES || (call.expectsContinue && length > 0);
}
