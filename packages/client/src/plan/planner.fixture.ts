import { PUBLISHED_MODELS } from '@batchwright/core';
import { LIMITS } from '@batchwright/protocol';
import type { PlannedBatch } from '../journal/journal-entry.ts';
import { memoryStore } from '../store/memory-store.ts';
import type { RunStore } from '../store/run-store.ts';
import { createPlanner } from './planner.ts';
import type { Planner, PlanTerms, RequestBook } from './planning.ts';
import { bookOf, linesFrom, textOf } from './requests.fixture.ts';

/** As against the hosted API. */
export const HOSTED: PlanTerms = {
  waves: 'auto',
  markers: 'auto',
  placesMarkers: true,
  latencyTokens: 0,
  limits: { requests: LIMITS.batchRequests, bytes: LIMITS.batchBodyBytes, tokens: Infinity },
  models: PUBLISHED_MODELS,
  hasBatchDiscount: true,
  atMs: Date.UTC(2026, 9, 15),
};

/** Requests of a run with their planner, and the plan of them all. */
export interface PlannedRun {
  readonly book: RequestBook;
  readonly store: RunStore;
  readonly planner: Planner;
  readonly batches: readonly PlannedBatch[];
}

export async function planned(texts: readonly string[], terms: Partial<PlanTerms> = {}): Promise<PlannedRun> {
  const store = memoryStore();
  const book = await bookOf(linesFrom(texts), store);
  const planner = createPlanner(book, store, { ...HOSTED, ...terms });
  const { batches } = await planner.plan('all', 0);
  return { book, store, planner, batches };
}

/** The numbers of the requests in each batch. */
export async function membersOf({ planner, batches }: PlannedRun): Promise<readonly (readonly number[])[]> {
  const members: number[][] = [];
  for (const { number } of batches) members.push([...(await planner.members(number)).requests]);
  return members;
}

export async function bodyText(planner: Planner, batch: PlannedBatch): Promise<string> {
  const pieces: string[] = [];
  const decoder = new TextDecoder();
  for await (const piece of (await planner.body(batch)).pieces()) pieces.push(decoder.decode(piece, { stream: true }));
  return pieces.join('') + decoder.decode();
}

/** The lines of a body; its requests have no line breaks, and no such bytes between them. */
export function linesOfBody(body: string): readonly string[] {
  const { requests } = JSON.parse(body) as { readonly requests: readonly unknown[] };
  return requests.map((request) => JSON.stringify(request));
}

export async function batchLog(store: RunStore, batch: number): Promise<string> {
  const log = await store.openLog(`batch-${batch}`);
  const bytes = await log.read(0, log.size);
  await log.close();
  return textOf(bytes) + bytes.join();
}

/** What all batches are expected to cost, in dollars. */
export function expectedUsd(batches: readonly PlannedBatch[]): number {
  return batches.reduce((sum, { expectedNanoUsd }) => sum + (expectedNanoUsd ?? NaN), 0) / 1e9;
}
