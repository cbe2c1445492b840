import { errorEnvelope, errorStatus, makeId, wireError, type Problem, type RandomBytes } from '@batchwright/protocol';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

const LINGER_MS = 2000;

/**
 * Answers a connection whose request never became one, in the same envelope as everything else: some clients report a
 * bare decoding error for a body that is not JSON, and hide the status. What still arrives is dropped for a moment, so
 * that the answer is read before the connection goes. Answers the request id.
 */
export function refuseRaw(socket: Duplex, problem: Problem, randomBytes: RandomBytes): string {
  const requestId = makeId('request', randomBytes);
  const error = wireError(problem);
  const body = JSON.stringify(errorEnvelope(error, requestId));
  const status = errorStatus(error);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `request-id: ${requestId}`,
    'connection: close',
  ];
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.resume();
  return requestId;
}

/** The problem of a connection error that Node reports; null when there is nobody left to tell. */
export function connectionProblem(error: Error & { readonly code?: string; readonly reason?: string }): Problem | null {
  const { code = '' } = error;
  if (code === 'HPE_HEADER_OVERFLOW') return { type: 'headers_too_large' };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { type: 'headers_timed_out' };
  if (!code.startsWith('HPE_')) return null;
  // The parser's own words; they describe the fault and never quote the request.
  return { type: 'http_malformed', reason: error.reason ?? 'it could not be parsed' };
}
