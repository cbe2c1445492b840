import { ServiceError, type BatchEvent, type BatchService } from '@batchwright/client';
import { setTimeout as pause } from 'node:timers/promises';

/** Between two questions where the server does not say when to ask again: sooner at first, since many batches are short. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** The least and the most that a server is heeded in. */
const LEAST_ASKED_MS = 500;
const MOST_ASKED_MS = 60_000;
/** Failures in a row that are borne, on top of the SDK's own tries. */
const MOST_FAILURES = 8;

/** A batch as it stands, again and again until it has ended: by events where the server has them, else by asking. */
export async function* followBatch(
  service: BatchService,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<BatchEvent, void, void> {
  if (service.extras !== null) {
    for await (const event of service.extras.events(id, signal)) {
      yield event;
      // The state that it ended in is told, and then once more that it did.
      if (event.batch.processing_status === 'ended') return;
    }
    return;
  }
  let waitMs = FIRST_WAIT_MS;
  let failures = 0;
  for (;;) {
    let askedMs: number | null = null;
    try {
      const { batch, retryAfterMs } = await service.retrieve(id, signal);
      askedMs = retryAfterMs;
      failures = 0;
      yield { batch, resultsPerSecond: null, eta: null, costNanoUsd: null };
      if (batch.processing_status === 'ended') return;
    } catch (error) {
      if (!isPassing(error) || ++failures > MOST_FAILURES) throw error;
      askedMs = error.retryAfterMs;
    }
    await pause(askedMs === null ? waitMs : Math.min(Math.max(askedMs, LEAST_ASKED_MS), MOST_ASKED_MS), null, {
      signal,
    });
    waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS);
  }
}

function isPassing(error: unknown): error is ServiceError {
  return error instanceof ServiceError && (error.status === null || error.status === 429 || error.status >= 500);
}
