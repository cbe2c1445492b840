import type { BatchRecord } from '../journal/run-record.ts';
import type { WarmPrefixes } from '../plan/planning.ts';
import type { RunState } from './run-state.ts';

/** What was written lives for an hour; a batch that is created later than this after the one that wrote may come too late. */
const WRITTEN_FOR_MS = 55 * 60_000;

/** Whether what a request used is cached still: it succeeded, in a batch that is not too long ago. */
export function isStillCached(run: RunState, request: number): boolean {
  const { table, journal } = run;
  const place = table.hasSucceeded(request) ? table.place(request) : null;
  return place !== null && isLately(run, journal.record.batch(place.batch));
}

/** Prefixes that succeeded requests have written or read lately, so that whoever is planned now can read them at once. */
export async function warmPrefixes(run: RunState): Promise<WarmPrefixes> {
  const warm = new Map<number, { readonly request: number; readonly batch: number }>();
  for (const batch of run.journal.record.batches) {
    if (!isLately(run, batch)) continue;
    const { number } = batch.plan;
    const { requests, prefixSet, prefixSets } = await run.planner.members(number);
    const isUsed = new Uint8Array(prefixSets.length);
    requests.forEach((request, at) => {
      const set = prefixSet[at] as number;
      if (isUsed[set] === 1 || !hasSucceededIn(run, request, number)) return;
      isUsed[set] = 1;
      for (const prefix of prefixSets[set] ?? []) warm.set(prefix, { request, batch: number });
    });
  }
  return warm;
}

function isLately({ settings }: RunState, { state }: BatchRecord): boolean {
  return state.type === 'downloaded' && settings.clock.now() - state.sinceMs <= WRITTEN_FOR_MS;
}

function hasSucceededIn({ table }: RunState, request: number, batch: number): boolean {
  return table.hasSucceeded(request) && table.place(request)?.batch === batch;
}
