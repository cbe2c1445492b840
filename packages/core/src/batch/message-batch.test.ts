import { describe, expect, it } from 'vitest';
import type { BatchRecord } from './batch-record.ts';
import { archivedBatch, cancelingBatch, counts, endedBatch, runningBatch } from './batch.fixture.ts';
import { messageBatch } from './message-batch.ts';

const URL = 'https://batches.example/v1/messages/batches/msgbatch_01/results';

function shown(batch: BatchRecord, live: Parameters<typeof counts>[0] | null = null) {
  return messageBatch(batch, { liveCounts: live === null ? null : counts(live), resultsUrl: URL });
}

const strict = (batch: BatchRecord): BatchRecord => ({ ...batch, options: { ...batch.options, counts: 'strict' } });

describe('the wire object', () => {
  it('B11 has every key of a fresh batch', () => {
    expect(shown(runningBatch())).toEqual({
      id: 'msgbatch_01Abcdefghijkmnopqrstuvw',
      type: 'message_batch',
      processing_status: 'in_progress',
      request_counts: { processing: 10, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      created_at: '2027-01-15T08:00:00.123456Z',
      expires_at: '2027-01-16T08:00:00.123456Z',
      archived_at: null,
      cancel_initiated_at: null,
      results_url: null,
    });
  });

  it('B11 keeps the same ten keys in every stage', () => {
    const keys = Object.keys(shown(runningBatch()));
    expect(keys).toHaveLength(10);
    for (const batch of [cancelingBatch(), endedBatch(), archivedBatch()]) {
      expect(Object.keys(shown(batch))).toEqual(keys);
    }
  });

  it('B11 shows the moments that have come, in microseconds', () => {
    expect(shown(cancelingBatch())).toMatchObject({
      processing_status: 'canceling',
      cancel_initiated_at: '2027-01-15T09:00:00.123456Z',
      ended_at: null,
    });
    expect(shown(archivedBatch())).toMatchObject({
      processing_status: 'ended',
      ended_at: '2027-01-15T10:00:00.123456Z',
      archived_at: '2027-02-13T08:00:00.123456Z',
    });
  });

  it('B14 names the results only while they can be read', () => {
    expect(shown(runningBatch()).results_url).toBeNull();
    expect(shown(cancelingBatch()).results_url).toBeNull();
    expect(shown(endedBatch()).results_url).toBe(URL);
    expect(shown(archivedBatch()).results_url).toBeNull();
  });
});

describe('counters', () => {
  it('B12 are live while the batch runs', () => {
    const live = { processing: 4, succeeded: 3, errored: 2, canceled: 1 };
    expect(shown(runningBatch(), live).request_counts).toEqual(counts(live));
    expect(shown(cancelingBatch(), live).request_counts).toEqual(counts(live));
  });

  it('B12 come from the checkpoint when the batch runs elsewhere', () => {
    const batch = runningBatch({ counts: counts({ processing: 7, succeeded: 3 }) });
    expect(shown(batch).request_counts).toEqual(counts({ processing: 7, succeeded: 3 }));
  });

  it('B12 never go below the checkpoint, though a shard that just opened counts from nothing', () => {
    const batch = runningBatch({ counts: counts({ processing: 6, succeeded: 3, errored: 1 }) });
    expect(shown(batch, { processing: 8, succeeded: 2 }).request_counts).toEqual(
      counts({ processing: 6, succeeded: 3, errored: 1 }),
    );
  });

  it('B12 keep one in processing until the batch has ended', () => {
    const all = { succeeded: 8, errored: 2 };
    expect(shown(runningBatch(), all).request_counts).toEqual(counts({ processing: 1, succeeded: 7, errored: 2 }));
    expect(shown(runningBatch({ counts: counts(all) })).request_counts.processing).toBe(1);
  });

  it('B12 that count more than was submitted are our own mistake', () => {
    expect(() => shown(runningBatch(), { succeeded: 11 })).toThrow(/counts 11 settled of 10/);
  });

  it('B13 stay all in processing under `strict`, until the end', () => {
    const live = { processing: 4, succeeded: 6 };
    expect(shown(strict(runningBatch()), live).request_counts).toEqual(counts({ processing: 10 }));
    expect(shown(strict(cancelingBatch()), live).request_counts).toEqual(counts({ processing: 10 }));
    expect(shown(strict(endedBatch()), live).request_counts).toEqual(counts({ succeeded: 10 }));
  });

  it('B12 of an ended batch are its own, whatever a late shard says', () => {
    expect(shown(endedBatch(), { processing: 10 }).request_counts).toEqual(counts({ succeeded: 10 }));
  });
});
