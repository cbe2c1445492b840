import { expect, it } from 'vitest';
import { ProgressWatch } from './progress-changes.ts';
import { batchOf, progressOf } from './progress.fixture.ts';

it('a batch that was sent has settled nothing, and is over afterwards, however late somebody looks', () => {
  const batch = batchOf(0, { state: 'downloaded', requests: 40, settled: 40 });
  const changes = new ProgressWatch().look(progressOf({ phase: 'writing', batches: [batch] }));
  expect(changes.map((change) => [change.type, 'batch' in change ? change.batch.settled : null])).toEqual([
    ['batch_sent', 0],
    ['batch_ended', 40],
    ['phase', null],
  ]);
});
