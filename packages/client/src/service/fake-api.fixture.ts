import Anthropic from '@anthropic-ai/sdk';
import type { BatchBody } from './batch-service.ts';

export const KEY = 'sk-ant-api03-very-secret';
export const BASE = 'http://127.0.0.1:4180';
export const BATCH = {
  id: 'msgbatch_01AAAAAAAAAAAAAAAAAAAAAA',
  type: 'message_batch',
  processing_status: 'in_progress',
  request_counts: { processing: 2, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
  created_at: '2026-11-21T09:00:00.000000Z',
  expires_at: '2026-11-22T09:00:00.000000Z',
  ended_at: null,
  cancel_initiated_at: null,
  archived_at: null,
  results_url: null,
};
export const GREETING = {
  type: 'server',
  name: 'batchwright',
  version: '0.1.0',
  capabilities: ['batch_details', 'estimate', 'budget', 'usage', 'partial_results', 'events', 'requests', 'rerun'],
  upstream: { name: 'simulated', is_simulated: true },
};

/** A call as it reaches fetch. */
export interface FakeCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
}

/** A client of the SDK whose calls are answered here, and what was called so far; nothing is retried. */
export function fakeApi(
  answer: (call: FakeCall) => Response | Promise<Response>,
  options: { readonly baseURL?: string; readonly apiKey?: string } = {},
) {
  const calls: FakeCall[] = [];
  const fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const text = init.body === undefined || init.body === null ? '' : await new Response(init.body).text();
    const url = new URL(input instanceof Request ? input.url : input);
    const call = { method: init.method ?? 'GET', url, headers: new Headers(init.headers), body: text };
    calls.push(call);
    init.signal?.throwIfAborted();
    return answer(call);
  };
  const client = new Anthropic({ baseURL: BASE, apiKey: KEY, maxRetries: 0, fetch, ...options });
  return { client, calls };
}

export function jsonReply(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
}

export function errorReply(
  status: number,
  type: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const envelope = { type: 'error', error: { type, message }, request_id: 'req_1' };
  return jsonReply(envelope, status, { 'request-id': 'req_1', ...headers });
}

/** A fetch failure as Node throws it. */
export function fetchFailure(code: string, message = code): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });
}

/** A create body of these pieces. */
export function bodyOf(pieces: readonly string[], options: BatchBody['options'] = null): BatchBody {
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  return {
    requests: 1,
    bytes: bytes.reduce((sum, piece) => sum + piece.byteLength, 0),
    options,
    async *pieces() {
      yield* bytes;
    },
  };
}

/** The bytes of an iteration, as text. */
export async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of pieces) text += decoder.decode(piece, { stream: true });
  return text;
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
