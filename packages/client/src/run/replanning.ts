import type { JournalEntry, PlannedBatch } from '../journal/journal-entry.ts';
import type { BatchRecord } from '../journal/run-record.ts';
import type { RoundPlan } from '../plan/planning.ts';
import type { RunState } from './run-state.ts';
import { warmPrefixes } from './warm-prefixes.ts';

type PlannedEntry = Extract<JournalEntry, { readonly type: 'planned' }>;

/** Plans a round: all requests at first, later those that are tried again. */
export async function planRound(run: RunState, requests: Uint32Array | 'all'): Promise<void> {
  const { record } = run.journal;
  const { batches } = await planFrom(run, requests, record.batches.length, true);
  await note(run, { round: record.round + 1, batches, replaces: [] });
}

/** Requests that are taken out of a batch that was not sent. */
export interface Taken {
  readonly batch: BatchRecord;
  readonly requests: Uint32Array;
}

/**
 * Plans some of batches that were not sent anew, together with `more`, which are in none; the others keep what was planned
 * for them. Without leaders nobody waits for anybody.
 */
export async function planAgain(
  run: RunState,
  taken: readonly Taken[],
  more: Uint32Array,
  hasLeaders: boolean,
): Promise<void> {
  const first = run.journal.record.batches.length;
  const kept: PlannedBatch[] = [];
  for (const { batch, requests } of taken) {
    if (requests.length === batch.plan.requests) continue;
    kept.push(await run.planner.without(batch.plan, requests, first + kept.length));
  }
  const requests = Uint32Array.from([...taken.flatMap((each) => [...each.requests]), ...more]);
  const { batches } = await planFrom(run, requests, first + kept.length, hasLeaders);
  await replace(
    run,
    taken.map(({ batch }) => batch),
    [...kept, ...batches],
  );
}

/** Leaves some out of a batch that was not sent. */
export async function leaveOut(run: RunState, batch: BatchRecord, requests: Uint32Array): Promise<void> {
  const number = run.journal.record.batches.length;
  const isEmpty = requests.length === batch.plan.requests;
  await replace(run, [batch], isEmpty ? [] : [await run.planner.without(batch.plan, requests, number)]);
}

/** Makes two batches of one that the server does not take whole. */
export async function cutInTwo(run: RunState, batch: BatchRecord): Promise<void> {
  const { requests } = await run.planner.members(batch.plan.number);
  const first = run.journal.record.batches.length;
  const middle = requests.length >> 1;
  const halves = [
    await run.planner.without(batch.plan, requests.slice(middle), first),
    await run.planner.without(batch.plan, requests.slice(0, middle), first + 1),
  ];
  await replace(run, [batch], halves);
}

async function planFrom(
  run: RunState,
  requests: Uint32Array | 'all',
  first: number,
  hasLeaders: boolean,
): Promise<RoundPlan> {
  const warm = await warmPrefixes(run);
  return run.stop.during((signal) => run.planner.plan(requests, first, { warm, hasLeaders, signal }));
}

async function replace(
  run: RunState,
  replaced: readonly BatchRecord[],
  batches: readonly PlannedBatch[],
): Promise<void> {
  const replaces = replaced.map(({ plan }) => plan.number);
  await note(run, { round: run.journal.record.round, batches, replaces });
}

/** Makes a plan what counts. */
async function note(run: RunState, plan: Omit<PlannedEntry, 'type' | 'atMs'>): Promise<void> {
  // What is asked with other words is among them: lost, it would be looked for on the server, and sent, as it was before.
  await run.book.sync();
  await run.journal.note({ type: 'planned', ...plan });
  run.settings.reached('planned');
  await assign(run, plan.batches);
}

async function assign({ planner, table }: RunState, batches: readonly PlannedBatch[]): Promise<void> {
  for (const { number } of batches) table.assign((await planner.members(number)).requests, number);
}
