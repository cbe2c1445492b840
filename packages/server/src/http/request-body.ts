import type { Problem } from '@batchwright/protocol';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { PassingBody } from '../intake/intake.ts';
import { BoundedView, TooManyBytesError } from './bounded-view.ts';
import type { Call } from './call.ts';
import { RequestView } from './request-view.ts';

/** The decoded bytes of a request body, bounded before and after decoding. */
export interface RequestBody {
  readonly stream: PassingBody;
  readonly isEncoded: boolean;
  /** Decoded bytes so far. */
  bytes(): number;
  /** Why the stream broke off, when the body itself is to blame; null when it did not or the client went away. */
  problem(): Problem | null;
}

export type OpenedBody =
  | { readonly type: 'open'; readonly body: RequestBody }
  | { readonly type: 'refused'; readonly problem: Problem };

/**
 * Begins to read a call's body. What its headers already condemn is refused before a byte of it is read or asked for;
 * a client that waits for `100 Continue` gets it here, when everything else about the call is in order.
 */
export function openBody(call: Call, limitBytes: number): OpenedBody {
  const { request, response } = call;
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (!isSupported(encoding)) return { type: 'refused', problem: { type: 'body_encoding_unsupported', encoding } };
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return { type: 'refused', problem: { type: 'body_too_large', limitBytes } };
  }
  if (call.expectsContinue) response.writeContinue();
  const decode = DECODERS[encoding];
  const body =
    decode === undefined ? plainBody(request, limitBytes) : decodedBody(request, decode, encoding, limitBytes);
  return { type: 'open', body };
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function isSupported(encoding: string): boolean {
  return encoding === '' || encoding === 'identity' || Object.hasOwn(DECODERS, encoding);
}

function plainBody(request: IncomingMessage, limitBytes: number): RequestBody {
  const stream = new RequestView(request, limitBytes);
  return {
    stream,
    isEncoded: false,
    bytes: () => stream.bytes,
    problem: () => (stream.errored instanceof TooManyBytesError ? { type: 'body_too_large', limitBytes } : null),
  };
}

function decodedBody(
  request: IncomingMessage,
  decode: () => Transform,
  encoding: string,
  limitBytes: number,
): RequestBody {
  const raw = new BoundedView(request, limitBytes);
  let failed = false;
  const decoder = decode();
  decoder.on('error', () => (failed = true));
  // Failures travel through the streams themselves; the callback is only there because pipeline wants one.
  pipeline(raw, decoder, () => {});
  const stream = new BoundedView(decoder, limitBytes);
  stream.once('close', () => decoder.destroy());
  return {
    stream,
    isEncoded: true,
    bytes: () => stream.bytes,
    problem() {
      if (raw.errored instanceof TooManyBytesError) return { type: 'body_too_large', limitBytes };
      if (stream.errored instanceof TooManyBytesError) return { type: 'body_too_large_after_decoding', limitBytes };
      // A client that went away fails the raw side first; anything else that fails the decoder is bad data.
      return failed && !raw.sourceFailed ? { type: 'body_encoding_invalid', encoding } : null;
    },
  };
}
