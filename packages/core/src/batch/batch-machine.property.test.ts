import fc from 'fast-check';
import { expect, it } from 'vitest';
import { transitionBatch, type BatchEvent } from './batch-machine.ts';
import type { BatchRecord } from './batch-record.ts';
import { after, counts, HOUR_US, runningBatch } from './batch.fixture.ts';

const ORDER = ['in_progress', 'canceling', 'ended'];

const event: fc.Arbitrary<BatchEvent> = fc.oneof(
  fc.constant<BatchEvent>({ type: 'cancel_requested' }),
  fc.constant<BatchEvent>({ type: 'retention_passed' }),
  fc.constant<BatchEvent>({ type: 'delete_requested' }),
  fc
    .tuple(fc.nat(10), fc.nat(10), fc.nat(10))
    .map((cuts) => cuts.toSorted((a, b) => a - b))
    .map(([a = 0, b = 0, c = 0]): BatchEvent => ({
      type: 'all_settled',
      counts: counts({ succeeded: a, errored: b - a, canceled: c - b, expired: 10 - c }),
    })),
);

/** Clocks go back now and then: the moments are in no order. */
const history = fc.array(fc.tuple(event, fc.integer({ min: -HOUR_US, max: 40 * 24 * HOUR_US })), {
  maxLength: 12,
  size: 'max',
});

const MOMENTS = ['cancelInitiatedAtUs', 'endedAtUs', 'archivedAtUs'] as const;
const FIXED = ['id', 'workspaceId', 'createdAtUs', 'expiresAtUs', 'requestCount', 'apiVersion', 'options'] as const;

function checkStep(before: BatchRecord, now: BatchRecord): void {
  expect(ORDER.indexOf(now.status)).toBeGreaterThanOrEqual(ORDER.indexOf(before.status));
  for (const moment of MOMENTS) if (before[moment] !== null) expect(now[moment]).toBe(before[moment]);
  for (const field of FIXED) expect(now[field]).toBe(before[field]);
  if (before.status === 'ended') expect({ ...now, archivedAtUs: before.archivedAtUs }).toEqual(before);
}

function checkShape(batch: BatchRecord): void {
  expect(batch.endedAtUs !== null).toBe(batch.status === 'ended');
  if (batch.status === 'canceling') expect(batch.cancelInitiatedAtUs).not.toBeNull();
  const moments = [batch.createdAtUs, ...MOMENTS.map((moment) => batch[moment])].filter((moment) => moment !== null);
  expect(moments).toEqual(moments.toSorted((a, b) => a - b));
}

it('B10 whatever happens in whatever order, status and moments only move forward', () => {
  fc.assert(
    fc.property(history, (steps) => {
      let batch = runningBatch();
      for (const [next, atUs] of steps) {
        const transition = transitionBatch(batch, next, after(atUs));
        if (transition.type === 'removed') return;
        if (transition.type !== 'changed') continue;
        checkStep(batch, transition.batch);
        checkShape(transition.batch);
        expect(transition.batch).not.toBe(batch);
        batch = transition.batch;
      }
    }),
  );
});

it('B10 the batch that an event is applied to is never written to', () => {
  fc.assert(
    fc.property(event, fc.integer({ min: 0, max: 40 * 24 * HOUR_US }), (next, atUs) => {
      const batch = Object.freeze(runningBatch());
      const copy = structuredClone(batch);
      transitionBatch(batch, next, after(atUs));
      expect(batch).toEqual(copy);
    }),
  );
});
