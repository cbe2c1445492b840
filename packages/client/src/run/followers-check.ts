import type { BatchRecord } from '../journal/run-record.ts';
import { NO_LEADER, type BatchMembers } from '../plan/planning.ts';
import { planAgain, type Taken } from './replanning.ts';
import type { RunState } from './run-state.ts';
import { isStillCached } from './warm-prefixes.ts';

/** Requests that were planned again this often wait for no leader any more: those that fail or take long do so again. */
const MOST_GENERATIONS = 2;

/**
 * Looks at a batch before it is sent: those in it whose leader did not succeed, or too long ago, would read what nobody
 * wrote, and each would write it for itself. They are planned anew, together with all others of whom that is known and
 * with the leaders that are tried again, so that each prefix has one leader. Answers whether the batch goes as it is.
 */
export async function mayFollow(run: RunState, batch: BatchRecord): Promise<boolean> {
  if (batch.plan.after.length === 0) return true;
  const members = await run.planner.members(batch.plan.number);
  const orphans = orphansIn(run, members, () => true);
  if (orphans.length === 0) return true;
  const hasLeaders = batch.generation < MOST_GENERATIONS;
  const taken = [{ batch, members, requests: orphans }, ...(hasLeaders ? await otherOrphans(run, batch) : [])];
  await planAgain(run, taken, hasLeaders ? leadersToRetry(run, taken) : NOBODY, hasLeaders);
  return false;
}

interface Orphans extends Taken {
  readonly members: BatchMembers;
}

const NOBODY = new Uint32Array(0);

/** Of the batches that wait as well, those whose leaders are known to have written nothing. */
async function otherOrphans(run: RunState, but: BatchRecord): Promise<readonly Orphans[]> {
  const { journal, planner, table } = run;
  const found: Orphans[] = [];
  for (const batch of journal.record.batches) {
    const { plan, state, generation } = batch;
    const waits = state.type === 'planned' && plan.after.length > 0 && generation < MOST_GENERATIONS;
    if (!waits || plan.number === but.plan.number) continue;
    const members = await planner.members(plan.number);
    const requests = orphansIn(run, members, (leader) => !table.isOpen(leader) && hasDurableResult(run, leader));
    if (requests.length > 0) found.push({ batch, members, requests });
  }
  return found;
}

function orphansIn(
  run: RunState,
  { requests, leaders }: BatchMembers,
  isKnown: (leader: number) => boolean,
): Uint32Array {
  return requests.filter((_, at) => {
    const leader = leaders[at] as number;
    return leader !== NO_LEADER && isKnown(leader) && !isStillCached(run, leader);
  });
}

/** Leaders that failed and are tried again do so with those who waited for them: as many as they were share the prefix. */
function leadersToRetry(run: RunState, taken: readonly Orphans[]): Uint32Array {
  const { table } = run;
  const leaders = new Set<number>();
  for (const { members, requests } of taken) {
    const orphans = new Set(requests);
    members.leaders.forEach((leader, at) => {
      const waited = orphans.has(members.requests[at] as number);
      if (waited && table.isRetrying(leader) && hasDurableResult(run, leader)) leaders.add(leader);
    });
  }
  return Uint32Array.from(leaders);
}

/**
 * Whether what became of a leader in its last batch is ours for good. Of a batch that still runs, whoever takes the run up
 * asks for all results again, and one of a request that had been put into another batch meanwhile would be nobody's.
 */
function hasDurableResult({ table, journal }: RunState, leader: number): boolean {
  return journal.record.batch(table.batchOf(leader)).state.type === 'downloaded';
}
