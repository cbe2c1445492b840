import type { RunReport } from '@batchwright/client';
import { mapUsage, type UsageField } from '@batchwright/core';

/** A sum of usage with some fields set. */
export function usage(fields: Partial<Record<UsageField, number>>) {
  return mapUsage((field) => fields[field] ?? 0);
}

/** A run of a million requests with some of everything. */
export const MIXED: RunReport = {
  requests: 1_000_000,
  counts: { succeeded: 990_000, errored: 9000, canceled: 0, expired: 1000 },
  rejected: 500,
  unsettled: 0,
  retried: { requests: 12_000, attempts: 15_000 },
  failures: [
    {
      type: 'invalid_request_error',
      message: 'messages.…: at least one message is required',
      count: 8999,
      example: { customId: 'row-0000017', message: 'messages.0: at least one message is required' },
      isPermanent: true,
    },
    {
      type: 'expired',
      message: 'the batch expired before it was sent to the model',
      count: 1000,
      example: { customId: 'row-0900000', message: 'the batch expired before it was sent to the model' },
      isPermanent: false,
    },
    {
      type: 'odd_error',
      message: 'odd',
      count: 1,
      example: { customId: 'row-0000001', message: 'odd' },
      isPermanent: false,
    },
  ],
  totals: new Map([
    [
      'claude-haiku-4-5-20251001',
      usage({
        requests: 991_000,
        inputTokens: 50_000_000,
        write1hTokens: 2_000_000,
        readTokens: 1_998_000_000,
        outputTokens: 300_000_000,
        costNanoUsd: 876_900_000_000,
      }),
    ],
  ]),
  cost: {
    nanoUsd: 876_900_000_000,
    byKind: {
      input: 25_000_000_000,
      write5m: 0,
      write1h: 2_000_000_000,
      read: 99_900_000_000,
      output: 750_000_000_000,
    },
    withoutBatchNanoUsd: 1_753_800_000_000,
    withoutCachingNanoUsd: 1_775_000_000_000,
  },
  batches: 23,
  waves: 2,
  startedAtMs: Date.UTC(2026, 10, 21),
  elapsedMs: 7_800_000,
};

/** Three requests that all went well, with nothing cached and no discount. */
export const PLAIN_SUCCESS: RunReport = {
  requests: 3,
  counts: { succeeded: 3, errored: 0, canceled: 0, expired: 0 },
  rejected: 0,
  unsettled: 0,
  retried: { requests: 0, attempts: 0 },
  failures: [],
  totals: new Map([['my-own', usage({ requests: 3, unpricedRequests: 3, inputTokens: 3780, outputTokens: 900 })]]),
  cost: null,
  batches: 1,
  waves: 1,
  startedAtMs: Date.UTC(2026, 10, 21),
  elapsedMs: 1200,
};
