import { errorEnvelope, wireError, type Problem } from '@batchwright/protocol';
import type { CancelCall, UpstreamEvents } from '../dispatch/upstream/upstream.ts';
import type { Call } from './call.ts';
import { GONE, refuse, SENT, type Reply } from './reply.ts';

/** Begins an exchange with whatever answers it. */
export type StartExchange = (events: UpstreamEvents) => CancelCall;

/** Lets the caller answer in the upstream's stead, by the head it gave; null passes its answer on. */
export type Substitute = (status: number, headers: UpstreamHeaders) => Reply | null;

export type UpstreamHeaders = Parameters<UpstreamEvents['onHead']>[1];

const PASSED_ON =
  /^(?:content-type|content-length|content-encoding|retry-after|retry-after-ms|x-should-retry|request-id|anthropic-(?:ratelimit|priority)-.*)$/;

/** A client this far behind a stream does not read it; holding more for it would be a leak. */
const UNREAD_BYTES = 32 * 1024 * 1024;

/**
 * Passes one exchange on to an upstream and its answer back, chunk by chunk as it comes, so that a stream stays a stream.
 * A client that goes away takes the upstream's call with it. Resolves when the exchange is over.
 */
export function forward(call: Call, start: StartExchange, substitute: Substitute = () => null): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { response } = call;
    if (response.destroyed) return resolve(GONE);
    let cancel: CancelCall = () => {};
    let isOver = false;
    const settle = (reply: Reply): void => {
      isOver = true;
      resolve(reply);
    };
    response.once('close', () => {
      if (isOver) return;
      cancel();
      settle(SENT);
    });
    const giveUp = (reply: Reply): void => {
      if (isOver) return;
      settle(reply);
      // The upstream may still be inside `call`; its cancel is known a moment later.
      queueMicrotask(() => cancel());
    };
    try {
      cancel = start({
        onHead(status, headers) {
          if (isOver) return;
          const own = substitute(status, headers) ?? passHead(call, status, headers);
          if (own !== null) giveUp(own);
        },
        onData(chunk, isLast = false) {
          if (isOver) return;
          response.write(isLast ? Buffer.from(chunk) : chunk);
          call.facts.bytes = (call.facts.bytes ?? 0) + chunk.byteLength;
          if (response.writableLength > UNREAD_BYTES) response.destroy();
        },
        onEnd() {
          if (isOver) return;
          response.end();
          settle(SENT);
        },
        onFailure(reason) {
          if (!isOver) settle(fail(call, { type: 'upstream_unreachable', reason }));
        },
      });
    } catch (error) {
      reject(error instanceof Error ? error : new Error('The upstream could not be called.', { cause: error }));
    }
  });
}

/** Sends the upstream's head on; a reply instead when it is no head that can be sent. */
function passHead(call: Call, status: number, headers: UpstreamHeaders): Reply | null {
  try {
    call.response.writeHead(status, passedOn(headers)).flushHeaders();
    return null;
  } catch {
    // Node refuses a status or a character that HTTP does not allow. An upstream's nonsense must not end the process.
    return refuse({ type: 'upstream_unreachable', reason: 'it answered with a head that is not valid HTTP.' });
  }
}

function passedOn(headers: UpstreamHeaders): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || !PASSED_ON.test(name)) continue;
    passed[name] = typeof value === 'string' ? value : [...value];
  }
  return passed;
}

/** A failure before the head is an error answer; inside a stream of events it is an event; elsewhere the cut shows. */
function fail(call: Call, problem: Problem): Reply {
  const { response } = call;
  if (!response.headersSent) return refuse(problem);
  const isStream = String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');
  if (!isStream || response.hasHeader('content-length')) {
    response.destroy();
    return SENT;
  }
  response.end(`event: error\ndata: ${JSON.stringify(errorEnvelope(wireError(problem), call.requestId))}\n\n`);
  return SENT;
}
