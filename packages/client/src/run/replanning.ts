import type { PlannedBatch } from '../journal/journal-entry.ts';
import type { BatchRecord } from '../journal/run-record.ts';
import type { RoundPlan } from '../plan/planning.ts';
import type { RunState } from './run-state.ts';

/** Plans a round: all requests at first, later those that are tried again. */
export async function planRound(run: RunState, requests: Uint32Array | 'all'): Promise<void> {
  const { record } = run.journal;
  const { batches } = await planFrom(run, requests, record.batches.length);
  await run.journal.note({ type: 'planned', round: record.round + 1, batches, replaces: [] });
  run.settings.reached('planned');
  await assign(run, batches);
}

/** Plans some of a batch that was not sent anew; the others keep what was planned for them. */
export async function planAgain(run: RunState, batch: BatchRecord, requests: Uint32Array): Promise<void> {
  const first = run.journal.record.batches.length;
  const keeps = requests.length < batch.plan.requests;
  const kept = keeps ? [await run.planner.without(batch.plan, requests, first)] : [];
  const { batches } = await planFrom(run, requests, first + kept.length);
  await replace(run, batch, [...kept, ...batches]);
}

/** Leaves some out of a batch that was not sent. */
export async function leaveOut(run: RunState, batch: BatchRecord, requests: Uint32Array): Promise<void> {
  const number = run.journal.record.batches.length;
  const isEmpty = requests.length === batch.plan.requests;
  await replace(run, batch, isEmpty ? [] : [await run.planner.without(batch.plan, requests, number)]);
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
  await replace(run, batch, halves);
}

function planFrom({ planner, stop }: RunState, requests: Uint32Array | 'all', first: number): Promise<RoundPlan> {
  return stop.during((signal) => planner.plan(requests, first, signal));
}

async function replace(run: RunState, batch: BatchRecord, batches: readonly PlannedBatch[]): Promise<void> {
  await run.journal.note({ type: 'planned', round: batch.round, batches, replaces: [batch.plan.number] });
  run.settings.reached('planned');
  await assign(run, batches);
}

async function assign({ planner, table }: RunState, batches: readonly PlannedBatch[]): Promise<void> {
  for (const { number } of batches) table.assign((await planner.members(number)).requests, number);
}
