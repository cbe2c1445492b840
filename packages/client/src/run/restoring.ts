import type { BatchRecord } from '../journal/run-record.ts';
import { wrongResults } from './downloads.ts';
import { leaveOut } from './replanning.ts';
import type { RunState } from './run-state.ts';

/**
 * Takes all results that were downloaded before, in the order of their batches, once it is known who is where. Whether a
 * request is tried again is decided anew: a try that was planned and not sent is dropped when nothing calls for it now.
 */
export async function restore(state: RunState): Promise<void> {
  const { journal, intake } = state;
  const batches = [...journal.record.batches];
  for (const batch of batches) {
    if (batch.state.type === 'replaced' || isPlannedAgain(batch)) continue;
    await assign(state, batch);
    await fetchLost(state, batch);
  }
  for (const batch of batches) {
    if (batch.state.type === 'downloaded') await intake.takeAll(batch, batch.state.bytes);
  }
  for (const batch of batches) {
    if (isPlannedAgain(batch)) await restorePlanned(state, batch);
  }
}

/** One that took the place of others may hold leaders that are tried again. */
function isPlannedAgain({ state, round, generation }: BatchRecord): boolean {
  return state.type === 'planned' && (round > 0 || generation > 0);
}

async function assign({ planner, table }: RunState, { plan }: BatchRecord): Promise<void> {
  table.assign((await planner.members(plan.number)).requests, plan.number);
}

async function restorePlanned(state: RunState, batch: BatchRecord): Promise<void> {
  const { requests } = await state.planner.members(batch.plan.number);
  const uncalled = requests.filter((request) => state.table.isSettled(request));
  if (uncalled.length === 0) await assign(state, batch);
  else await leaveOut(state, batch, uncalled);
}

/** A disk may have lost what it said was kept; the server has it still. */
async function fetchLost({ logs, downloads }: RunState, batch: BatchRecord): Promise<void> {
  const { plan, state } = batch;
  if (state.type !== 'downloaded') return;
  const size = await logs.use(plan.number, async (log) => log.size);
  if (size >= state.bytes) return;
  const download = await downloads.fetch(batch, state.id);
  if (download.type === 'wrong') throw wrongResults(batch, state.id, download.reason);
  if (download.bytes !== state.bytes)
    throw wrongResults(batch, state.id, `they were ${state.bytes} bytes and are ${download.bytes}`);
}
