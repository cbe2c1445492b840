import type { RequestCounts } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { transitionBatch, type BatchEvent, type BatchTransition } from './batch-machine.ts';
import type { BatchRecord } from './batch-record.ts';
import { after, archivedBatch, cancelingBatch, counts, CREATED_US, endedBatch, HOUR_US } from './batch.fixture.ts';
import { runningBatch } from './batch.fixture.ts';

const CANCEL: BatchEvent = { type: 'cancel_requested' };
const settled = (final: RequestCounts): BatchEvent => ({ type: 'all_settled', counts: final });
const ALL_SUCCEEDED = settled(counts({ succeeded: 10 }));

function changed(transition: BatchTransition): BatchRecord {
  if (transition.type !== 'changed') throw new Error(`expected a change, not ${JSON.stringify(transition)}`);
  return transition.batch;
}

describe('cancel', () => {
  it('B2 marks the moment and nothing else', () => {
    const batch = runningBatch();
    expect(changed(transitionBatch(batch, CANCEL, after(5)))).toEqual({
      ...batch,
      status: 'canceling',
      cancelInitiatedAtUs: after(5),
    });
  });

  it('B2 is never dated before creation', () => {
    expect(changed(transitionBatch(runningBatch(), CANCEL, after(-5))).cancelInitiatedAtUs).toBe(CREATED_US);
  });

  it('B3 a second cancel keeps the first moment', () => {
    expect(transitionBatch(cancelingBatch(), CANCEL, after(9 * HOUR_US))).toEqual({
      type: 'ignored',
      reason: 'already_canceling',
    });
    const ended = changed(transitionBatch(cancelingBatch(), ALL_SUCCEEDED, after(9 * HOUR_US)));
    expect(ended.cancelInitiatedAtUs).toBe(after(HOUR_US));
  });

  it('B4 a cancel after the end changes nothing', () => {
    expect(transitionBatch(endedBatch(), CANCEL, after(9 * HOUR_US)).type).toBe('ignored');
    expect(transitionBatch(archivedBatch(), CANCEL, after(9 * HOUR_US)).type).toBe('ignored');
  });
});

describe('end', () => {
  it('B5 takes the final counts, whatever they are made of', () => {
    const final = counts({ succeeded: 4, errored: 3, canceled: 2, expired: 1 });
    const ended = changed(transitionBatch(runningBatch(), settled(final), after(HOUR_US)));
    expect(ended.status).toBe('ended');
    expect(ended.counts).toEqual(final);
  });

  it.each([
    ['some still processing', { processing: 1, succeeded: 9 }],
    ['too few', { succeeded: 9 }],
    ['too many', { succeeded: 11 }],
    ['a negative counter', { succeeded: 11, errored: -1 }],
    ['a fraction', { succeeded: 9.5, errored: 0.5 }],
  ])('B5 refuses to end with counts that cannot be final: %s', (_, wrong) => {
    expect(() => transitionBatch(runningBatch(), settled(counts(wrong)), after(HOUR_US))).toThrow(
      /final counts of msgbatch_\w+ must sum to 10/,
    );
  });

  it('B6 dates the end now, when nothing speaks against it', () => {
    expect(changed(transitionBatch(runningBatch(), ALL_SUCCEEDED, after(7))).endedAtUs).toBe(after(7));
  });

  it('B6 never dates the end before creation or cancel', () => {
    expect(changed(transitionBatch(runningBatch(), ALL_SUCCEEDED, after(-7))).endedAtUs).toBe(CREATED_US);
    expect(changed(transitionBatch(cancelingBatch(), ALL_SUCCEEDED, after(7))).endedAtUs).toBe(after(HOUR_US));
  });

  it('B6 never dates the end before expiry when anything expired', () => {
    const final = settled(counts({ succeeded: 9, expired: 1 }));
    expect(changed(transitionBatch(runningBatch(), final, after(23 * HOUR_US))).endedAtUs).toBe(after(24 * HOUR_US));
    expect(changed(transitionBatch(runningBatch(), final, after(25 * HOUR_US))).endedAtUs).toBe(after(25 * HOUR_US));
  });

  it('B7 ending twice keeps the first end', () => {
    expect(transitionBatch(endedBatch(), settled(counts({ errored: 10 })), after(9 * HOUR_US))).toEqual({
      type: 'ignored',
      reason: 'already_ended',
    });
  });
});

describe('archive and delete', () => {
  it('B8 archiving adds a moment and nothing else, once', () => {
    const now = after(29 * 24 * HOUR_US);
    expect(changed(transitionBatch(endedBatch(), { type: 'retention_passed' }, now))).toEqual(archivedBatch());
    expect(transitionBatch(archivedBatch(), { type: 'retention_passed' }, after(999 * HOUR_US)).type).toBe('ignored');
  });

  it('B8 is never dated before the end', () => {
    const archived = changed(transitionBatch(endedBatch(), { type: 'retention_passed' }, after(0)));
    expect(archived.archivedAtUs).toBe(after(2 * HOUR_US));
  });

  it('B9 only a batch that ended can be deleted', () => {
    const remove: BatchEvent = { type: 'delete_requested' };
    expect(transitionBatch(runningBatch(), remove, after(1)).type).toBe('refused');
    expect(transitionBatch(cancelingBatch(), remove, after(1)).type).toBe('refused');
    expect(transitionBatch(endedBatch(), remove, after(1)).type).toBe('removed');
    expect(transitionBatch(archivedBatch(), remove, after(1)).type).toBe('removed');
  });
});
