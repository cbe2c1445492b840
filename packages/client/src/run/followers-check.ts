import type { BatchRecord } from '../journal/run-record.ts';
import { NO_LEADER, type BatchMembers } from '../plan/planning.ts';
import { planAgain } from './replanning.ts';
import type { RunState } from './run-state.ts';

/** What leaders wrote lives for an hour; a batch that is created later than this after theirs may come too late. */
const WRITTEN_FOR_MS = 55 * 60_000;
/** Requests that were planned again this often go as they are: leaders that fail or take long do so again. */
const MOST_GENERATIONS = 2;

/**
 * Looks at a batch before it is sent: those in it whose leader did not succeed, or too long ago, would read what nobody
 * wrote, and each would write it for itself. They are planned anew, with leaders of their own. Answers whether the batch
 * goes as it is.
 */
export async function mayFollow(run: RunState, batch: BatchRecord): Promise<boolean> {
  if (batch.plan.after.length === 0 || batch.generation >= MOST_GENERATIONS) return true;
  const members = await run.planner.members(batch.plan.number);
  const orphans = orphansIn(run, members);
  if (orphans.length === 0) return true;
  await planAgain(run, batch, orphans);
  return false;
}

function orphansIn(run: RunState, { requests, leaders }: BatchMembers): Uint32Array {
  return requests.filter((_, at) => {
    const leader = leaders[at] as number;
    return leader !== NO_LEADER && !hasWritten(run, leader);
  });
}

function hasWritten({ table, journal, settings }: RunState, leader: number): boolean {
  const number = table.batchOf(leader);
  if (number === -1 || !table.hasSucceeded(leader)) return false;
  const { state } = journal.record.batch(number);
  return state.type === 'downloaded' && settings.clock.now() - state.sinceMs <= WRITTEN_FOR_MS;
}
