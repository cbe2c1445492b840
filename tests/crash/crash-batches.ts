import { expect } from 'vitest';
import type { BatchResultLine, MessageBatch } from '@batchwright/protocol';
import { BATCHES, batchOf, MODEL, results, retrieve, type Item } from '../harness/batches.ts';
import type { CountingUpstream } from './counting-upstream.ts';
import { until, type ServerProcess } from './server-process.ts';

/** Batches whose every request says who it is, so that an answer of somebody else's would show. */
export function bodyOf(name: string, count: number, padding = 0): { readonly requests: readonly Item[] } {
  return { requests: idsOf(name, count).map((id) => question(id, padding)) };
}

/** A request whose prompt begins with its custom_id. */
export function question(customId: string, padding: number): Item {
  const content = `${customId} ${'x'.repeat(padding)}`;
  return { custom_id: customId, params: { model: MODEL, max_tokens: 16, messages: [{ role: 'user', content }] } };
}

export async function createBatch(server: ServerProcess, name: string, count: number): Promise<MessageBatch> {
  return batchOf(await server.client.post(BATCHES, bodyOf(name, count)));
}

export function untilEnded(server: ServerProcess, { id }: MessageBatch, patienceMs?: number): Promise<void> {
  const hasEnded = async () => (await retrieve(server.client, id)).processing_status === 'ended';
  return until(`batch ${id} has ended`, hasEnded, patienceMs);
}

/** Waits for the end, and asserts that every request has one row, a success, and was called for no more often than this. */
export async function expectWhole(
  server: ServerProcess,
  upstream: CountingUpstream,
  batch: MessageBatch,
  name: string,
  calls: number,
): Promise<void> {
  await untilEnded(server, batch);
  const ids = idsOf(name, batch.request_counts.processing);
  const rows = await results(server.client, batch.id);
  expect(rows.map((row) => row.custom_id).toSorted()).toEqual(ids.toSorted());
  expect(rows.every((row) => row.result.type === 'succeeded')).toBe(true);
  for (const id of ids) expect(upstream.callsOf(id).length, id).toBeLessThanOrEqual(calls);
}

/** What a row's answer says; the row's type where it has none. */
export function answerText({ result }: BatchResultLine): string {
  if (result.type !== 'succeeded') return result.type;
  const { content } = result.message as unknown as { readonly content: readonly { readonly text: string }[] };
  return content[0]?.text ?? '';
}

function idsOf(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}
