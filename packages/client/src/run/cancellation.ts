import type { BatchRecord } from '../journal/run-record.ts';
import { ServiceError } from '../service/batch-service.ts';
import type { RunState } from './run-state.ts';

/** Asks the server to cancel every batch that is under way; one that is over by then is no failure. */
export async function cancelUnderWay(run: RunState): Promise<void> {
  for (const batch of run.journal.record.batches) await cancelBatch(run, batch);
}

/**
 * Asks the server to cancel a batch that is under way, until it has heard. One that is only taken for ours may be
 * another's: it is left to end.
 */
export async function cancelBatch({ calls, service }: RunState, { state }: BatchRecord): Promise<void> {
  if (state.type !== 'sent' || (state.isAdopted && service.extras === null)) return;
  const { id } = state;
  try {
    await calls.make((signal) => service.cancel(id, signal));
  } catch (error) {
    // It ended before, or is gone: whoever follows it sees which.
    if (!(error instanceof ServiceError) || !OVER_STATUSES.has(error.status)) throw error;
  }
}

const OVER_STATUSES: ReadonlySet<number | null> = new Set([400, 404]);
