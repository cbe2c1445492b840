import { Buffer } from 'node:buffer';
import { errorEnvelope, errorStatus, type WireError } from '@batchwright/protocol';
import type { ResponseHeaders } from '../exchange.ts';

/** A response ready to be sent: the head's status and the whole body. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Uint8Array;
}

export const JSON_HEADERS = { 'content-type': 'application/json' } as const;
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
} as const;

export function jsonResponse(value: unknown, status = 200): WholeResponse {
  return { status, headers: JSON_HEADERS, body: Buffer.from(JSON.stringify(value)) };
}

/** An error in the API's envelope, with the `retry-after` it asks for. */
export function errorResponse(error: WireError, requestId: string): WholeResponse {
  const response = jsonResponse(errorEnvelope(error, requestId), errorStatus(error));
  if (error.retryAfterSeconds === undefined) return response;
  return { ...response, headers: { ...JSON_HEADERS, 'retry-after': String(error.retryAfterSeconds) } };
}
