import type { IncomingMessage } from 'node:http';

/**
 * How much of a refused body is read and dropped, and for how long. Twice the largest legal body, so that a client a
 * little above the limit can finish sending and then read why that was for nothing.
 */
const DROPPED_BYTES = 512 * 1024 * 1024;
const DROPPING_MS = 10_000;

/**
 * Reads the rest of a body and throws it away; `done` is called once, when it has ended, the client has gone, or the
 * bounds are reached. Real time on purpose: this is about a socket and not about batches.
 */
export function dropBody(request: IncomingMessage, done: () => void): void {
  let dropped = 0;
  const finish = (): void => {
    clearTimeout(timer);
    request.off('data', count).off('end', finish).off('close', finish);
    done();
  };
  const count = (chunk: Buffer): void => {
    dropped += chunk.length;
    if (dropped > DROPPED_BYTES) finish();
  };
  const timer = setTimeout(finish, DROPPING_MS);
  if (request.destroyed || request.readableEnded) return finish();
  request.on('data', count).on('end', finish).on('close', finish);
  request.resume();
}
