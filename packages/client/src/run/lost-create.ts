/**
 * A create whose answer never came may have made a batch, and nobody says under which id. It is looked for among the
 * newest: one with as many requests, made since, and not known to be another of ours. A server that can say who is in a
 * batch settles it; elsewhere the likeliest is taken for it until its results prove it or not.
 */
import type { MessageBatch } from '@batchwright/protocol';
import type { BatchRecord } from '../journal/run-record.ts';
import type { RunState } from './run-state.ts';

/** The server's clock may be behind what we take it for by as much. */
const CLOCKS_APART_MS = 10 * 60_000;
/** A create may still be under way at the server while we look, or its batch not be seen everywhere yet. */
const LOOKS_AFTER_MS = [0, 1000, 2000, 4000, 8000];
/** By then it is over, one way or the other. */
const SETTLED_AFTER_MS = 15 * 60_000;

/**
 * Whether it can be looked for now. What was taken for another of ours and is not proven may be this one's, and would be
 * missed: then both would be sent again.
 */
export function mayLookFor({ journal, service }: RunState, batch: BatchRecord): boolean {
  if (service.extras !== null) return true;
  return !journal.record.batches.some(
    ({ plan, state }) =>
      (state.type === 'sent' || state.type === 'ended') && state.isAdopted && plan.requests === batch.plan.requests,
  );
}

/** The batch that such a create made; null: it made none. */
export async function findLostBatch(run: RunState, batch: BatchRecord, sinceMs: number): Promise<MessageBatch | null> {
  const isLongAgo = run.settings.clock.now() - sinceMs > SETTLED_AFTER_MS;
  for (const waitMs of isLongAgo ? [0] : LOOKS_AFTER_MS) {
    if (waitMs > 0) await run.calls.pause(waitMs);
    const found = await lookOnce(run, batch, sinceMs);
    if (found !== null) return found;
  }
  return null;
}

async function lookOnce(run: RunState, batch: BatchRecord, sinceMs: number): Promise<MessageBatch | null> {
  const candidates = await run.calls.make((signal) => candidatesFor(run, batch, sinceMs, signal));
  for (const candidate of candidates) {
    if (await mayBe(run, batch, candidate)) return candidate;
  }
  return null;
}

/** The nearest in time first. */
async function candidatesFor(
  run: RunState,
  batch: BatchRecord,
  sinceMs: number,
  signal: AbortSignal,
): Promise<readonly MessageBatch[]> {
  const found: MessageBatch[] = [];
  // How late it was by the server's clock, as far as its answers tell: clocks are hours apart here and there.
  const atMs = (): number => sinceMs + (run.service.aheadMs() ?? 0);
  for await (const listed of run.service.newest(signal)) {
    if (Date.parse(listed.created_at) < atMs() - CLOCKS_APART_MS) break;
    const isFree = !run.journal.record.isClaimed(listed.id) && !batch.notOurs.includes(listed.id);
    if (isFree && requestsIn(listed) === batch.plan.requests) found.push(listed);
  }
  const distance = (listed: MessageBatch): number => Math.abs(Date.parse(listed.created_at) - atMs());
  return found.sort((a, b) => distance(a) - distance(b));
}

/** Whether it has our first and our last request, where the server says. */
async function mayBe(run: RunState, batch: BatchRecord, candidate: MessageBatch): Promise<boolean> {
  const { extras } = run.service;
  if (extras === null) return true;
  const { requests } = await run.planner.members(batch.plan.number);
  for (const request of new Set([requests.at(0), requests.at(-1)])) {
    if (request === undefined) continue;
    const { custom_id: id, params } = await requestAt(run, request);
    if (!(await run.calls.make((signal) => extras.holdsRequest(candidate.id, id, params, signal)))) return false;
  }
  return true;
}

interface Asked {
  readonly custom_id: string;
  readonly params: Readonly<Record<string, unknown>>;
}

async function requestAt({ book }: RunState, request: number): Promise<Asked> {
  return JSON.parse(new TextDecoder().decode(await book.line(request))) as Asked;
}

function requestsIn({ request_counts: counts }: MessageBatch): number {
  return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired;
}
