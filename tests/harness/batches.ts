import { expect } from 'vitest';
import type {
  BatchResultLine,
  ErrorEnvelope,
  ErrorType,
  MessageBatch,
  Page,
  RequestCounts,
  ResultType,
} from '@batchwright/protocol';
import type { Caller } from './caller.ts';
import type { RawResponse } from './raw-http.ts';

/** The batch calls as tests speak of them: small factories for requests, and steps that assert they went well. */
export const BATCHES = '/v1/messages/batches';
export const MODEL = 'claude-haiku-4-5';

export interface Item {
  readonly custom_id: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A request that succeeds, with anything in its params replaced. */
export function item(customId: string, params: Readonly<Record<string, unknown>> = {}): Item {
  const messages = [{ role: 'user', content: `Classify: ${customId}` }];
  return { custom_id: customId, params: { model: MODEL, max_tokens: 64, messages, ...params } };
}

/** Text of exactly so many tokens as the simulated upstream counts them, four bytes each, beginning with a name of its own. */
export function textOf(name: string, tokens: number): string {
  return `${name} `.padEnd(tokens * 4, 'lorem ipsum ');
}

/** A request the simulated upstream takes this long to answer, once it has it. */
export function itemTaking(customId: string, durationMs: number): Item {
  const directive = JSON.stringify({ ttft_ms: Math.min(1, durationMs), dur_ms: durationMs });
  return item(customId, { messages: [{ role: 'user', content: `@@sim${directive}@@ ${customId}` }] });
}

/** As many plain requests as asked for, `item-0` first. */
export function items(count: number): readonly Item[] {
  return Array.from({ length: count }, (_, i) => item(`item-${i}`));
}

export async function create(
  caller: Caller,
  requests: readonly Item[],
  headers: Readonly<Record<string, string>> = {},
): Promise<MessageBatch> {
  return batchOf(await caller.post(BATCHES, { requests }, headers));
}

/** As `create`, and a second later, when the upstream has the requests: a cancel then has something to wait for. */
export async function createRunning(
  time: { advance(ms: number): Promise<void> },
  by: Caller,
  requests: readonly Item[],
): Promise<MessageBatch> {
  const batch = await create(by, requests);
  await time.advance(1_000);
  return batch;
}

export async function retrieve(caller: Caller, id: string): Promise<MessageBatch> {
  return batchOf(await caller.get(`${BATCHES}/${id}`));
}

export async function cancel(caller: Caller, id: string): Promise<MessageBatch> {
  return batchOf(await caller.post(`${BATCHES}/${id}/cancel`));
}

export async function list(caller: Caller, query = ''): Promise<Page<MessageBatch>> {
  const response = await caller.get(`${BATCHES}${query}`);
  expect(response.status, response.text).toBe(200);
  return JSON.parse(response.text) as Page<MessageBatch>;
}

export async function results(caller: Caller, id: string): Promise<readonly BatchResultLine[]> {
  const response = await caller.get(`${BATCHES}/${id}/results`);
  expect(response.status, response.text).toBe(200);
  return rowsOf(response);
}

/** Rows by custom_id, as a careful client would hold them. */
export async function resultsById(caller: Caller, id: string): Promise<ReadonlyMap<string, BatchResultLine['result']>> {
  return new Map((await results(caller, id)).map((row) => [row.custom_id, row.result]));
}

export function batchOf(response: RawResponse): MessageBatch {
  expect(response.status, response.text).toBe(200);
  return JSON.parse(response.text) as MessageBatch;
}

export function rowsOf(response: RawResponse): readonly BatchResultLine[] {
  expect(response.text.endsWith('\n')).toBe(true);
  return response.text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as BatchResultLine);
}

/** Asserts that a response is this error in the API's envelope, and answers the envelope. */
export function expectError(response: RawResponse, status: number, type: ErrorType, message?: string): ErrorEnvelope {
  expect(response.status, response.text).toBe(status);
  expect(response.headers['content-type']).toMatch(/^application\/json/);
  const envelope = JSON.parse(response.text) as ErrorEnvelope;
  expect(envelope).toMatchObject({ type: 'error', error: { type } });
  expect(envelope.request_id).toMatch(/^req_/);
  expect(envelope.request_id).toBe(response.headers['request-id']);
  if (message !== undefined) expect(envelope.error.message).toBe(message);
  return envelope;
}

export function countOf(counts: RequestCounts): number {
  return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired;
}

/** Tallies rows by how they ended. */
export function tallyOf(rows: readonly BatchResultLine[]): Readonly<Record<ResultType, number>> {
  const tally = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  for (const row of rows) tally[row.result.type]++;
  return tally;
}
