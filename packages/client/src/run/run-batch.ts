import type { BulkRequest } from '../plan/bulk-request.ts';
import { createPlanner } from '../plan/planner.ts';
import { openBook } from '../plan/request-book.ts';
import { writeRequests } from '../plan/write-requests.ts';
import { connectService } from '../service/sdk-service.ts';
import { memoryStore } from '../store/memory-store.ts';
import { BatchRun } from './batch-run.ts';
import type { BulkRun } from './bulk-run.ts';
import type { RunOptions } from './run-options.ts';
import { settingsOf } from './run-settings.ts';

/**
 * Runs any number of requests as batches. Nothing happens until the run is iterated or settled; nothing is sent before
 * all requests were read, checked and planned. Throws `RunOptionsError` for options that cannot be meant. The store is
 * its giver's to close.
 */
export function runBatch(
  requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
  options: RunOptions = {},
): BulkRun {
  const { service, client } = options;
  return new BatchRun({
    requests,
    settings: settingsOf(options),
    store: options.store ?? memoryStore(),
    planning: { write: writeRequests, open: openBook, planner: createPlanner },
    connect: async (signal) => service ?? connectService(client, signal),
    signal: options.signal ?? null,
    random: Math.random,
  });
}
