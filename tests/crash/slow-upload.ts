import { request } from 'node:http';
import { BATCHES } from '../harness/batches.ts';
import type { Caller } from '../harness/caller.ts';
import { readWhole, type RawResponse } from '../harness/raw-http.ts';

/** A create whose body goes out in pieces, as slowly as the test likes. */
export interface SlowUpload {
  /** Sends the next bytes of the body; resolves when they have left this process. */
  send(bytes: number): Promise<void>;
  /** Sends what is left. */
  finish(): Promise<void>;
  /** Cuts the connection. */
  abort(): void;
  /** The whole answer, or null when the connection was cut before there was one. */
  readonly answer: Promise<RawResponse | null>;
}

export function startUpload({ url, key }: Caller, body: Buffer): SlowUpload {
  const { hostname, port } = new URL(url);
  const headers = {
    'x-api-key': key,
    'anthropic-version': '2023-06-01',
    'content-type': 'application/json',
    'content-length': body.length,
  };
  // A connection of its own, so that a cut hurts nobody else.
  const call = request({ hostname, port, path: BATCHES, method: 'POST', headers, agent: false });
  call.flushHeaders();
  let sent = 0;
  const answer = new Promise<RawResponse | null>((resolve) => {
    call.once('response', (response) => readWhole(response).then(resolve, () => resolve(null)));
    call.on('error', () => resolve(null));
    call.once('close', () => resolve(null));
  });
  const send = async (bytes: number): Promise<void> => {
    const piece = body.subarray(sent, sent + bytes);
    sent += piece.length;
    await new Promise<void>((resolve) => call.write(piece, () => resolve()));
  };
  return {
    send,
    finish: async () => {
      await send(body.length - sent);
      call.end();
    },
    abort: () => call.destroy(),
    answer,
  };
}
