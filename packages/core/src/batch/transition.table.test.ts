import { describe, expect, it } from 'vitest';
import { transitionBatch, type BatchEvent, type BatchTransition } from './batch-machine.ts';
import type { BatchRecord } from './batch-record.ts';
import { after, archivedBatch, cancelingBatch, counts, endedBatch, HOUR_US, runningBatch } from './batch.fixture.ts';

/** A batch's stages: its status, with `ended` told apart by whether the results are still kept. */
type Stage = BatchRecord['status'] | 'archived';

type Outcome =
  | `→ ${Stage}`
  | '→ (removed)'
  | `ignored: ${Extract<BatchTransition, { type: 'ignored' }>['reason']}`
  | `refused: ${Extract<BatchTransition, { type: 'refused' }>['reason']}`;

type Table = Readonly<Record<Stage, Readonly<Record<BatchEvent['type'], Outcome>>>>;

const TABLE: Table = {
  in_progress: {
    cancel_requested: '→ canceling',
    all_settled: '→ ended',
    retention_passed: 'ignored: not_ended',
    delete_requested: 'refused: still_running',
  },
  canceling: {
    cancel_requested: 'ignored: already_canceling',
    all_settled: '→ ended',
    retention_passed: 'ignored: not_ended',
    delete_requested: 'refused: still_running',
  },
  ended: {
    cancel_requested: 'ignored: already_ended',
    all_settled: 'ignored: already_ended',
    retention_passed: '→ archived',
    delete_requested: '→ (removed)',
  },
  archived: {
    cancel_requested: 'ignored: already_ended',
    all_settled: 'ignored: already_ended',
    retention_passed: 'ignored: already_archived',
    delete_requested: '→ (removed)',
  },
};

const BATCHES: Readonly<Record<Stage, () => BatchRecord>> = {
  in_progress: runningBatch,
  canceling: cancelingBatch,
  ended: endedBatch,
  archived: archivedBatch,
};

const EVENTS: { readonly [Type in BatchEvent['type']]: Extract<BatchEvent, { type: Type }> } = {
  cancel_requested: { type: 'cancel_requested' },
  all_settled: { type: 'all_settled', counts: counts({ succeeded: 10 }) },
  retention_passed: { type: 'retention_passed' },
  delete_requested: { type: 'delete_requested' },
};

const STAGES = Object.keys(TABLE) as Stage[];
const TYPES = Object.keys(EVENTS) as BatchEvent['type'][];

describe('B1 every event has one outcome in every stage', () => {
  for (const stage of STAGES) {
    it.each(TYPES)(`${stage} × %s`, (type) => {
      const transition = transitionBatch(BATCHES[stage](), EVENTS[type], after(30 * 24 * HOUR_US));
      expect(outcome(transition)).toBe(TABLE[stage][type]);
    });
  }
});

function outcome(transition: BatchTransition): Outcome {
  switch (transition.type) {
    case 'changed':
      return `→ ${transition.batch.archivedAtUs === null ? transition.batch.status : 'archived'}`;
    case 'removed':
      return '→ (removed)';
    case 'ignored':
      return `ignored: ${transition.reason}`;
    case 'refused':
      return `refused: ${transition.reason}`;
  }
}

/* The compiler's part of the claim, checked by `tables.io.test.ts`: a table with a hole is not a table. */
const { all_settled: _event, ...eventsWithHole } = TABLE.ended;
const { archived: _stage, ...stagesWithHole } = TABLE;
// @ts-expect-error A missing event does not compile.
export const missingEvent: Table = { ...TABLE, ended: eventsWithHole };
// @ts-expect-error A missing stage does not compile.
export const missingStage: Table = stagesWithHole;
