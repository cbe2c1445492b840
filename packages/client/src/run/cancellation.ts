import { ServiceError } from '../service/batch-service.ts';
import type { RunState } from './run-state.ts';

/** Asks the server to cancel every batch that is under way; one that is over by then is no failure. */
export async function cancelUnderWay(run: RunState): Promise<void> {
  const { batches } = run.journal.record;
  for (const { state } of batches) if (state.type === 'sent') await cancelBatch(run, state.id);
}

/** Asks the server to cancel a batch, until it has heard. */
export async function cancelBatch({ calls, service }: RunState, id: string): Promise<void> {
  try {
    await calls.make((signal) => service.cancel(id, signal));
  } catch (error) {
    // It ended before, or is gone: whoever follows it sees which.
    if (!(error instanceof ServiceError) || !OVER_STATUSES.has(error.status)) throw error;
  }
}

const OVER_STATUSES: ReadonlySet<number | null> = new Set([400, 404]);
