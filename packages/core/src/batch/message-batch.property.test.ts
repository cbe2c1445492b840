import { RESULT_TYPES, type RequestCounts } from '@batchwright/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RequestLedger } from '../request/request-ledger.ts';
import { transitionBatch } from './batch-machine.ts';
import { after, HOUR_US, runningBatch } from './batch.fixture.ts';
import { messageBatch } from './message-batch.ts';

const sum = (counts: RequestCounts): number => Object.values(counts).reduce((total, count) => total + count, 0);

/** How each request settles, and after which of them the counters are checkpointed or the process restarts. */
const course = fc.array(
  fc.record({ as: fc.constantFrom(...RESULT_TYPES), checkpoints: fc.boolean(), runsElsewhere: fc.boolean() }),
  { minLength: 1, maxLength: 20, size: 'max' },
);

it('B12 a batch polled through its whole life never goes back, and has none processing exactly when it has ended', () => {
  fc.assert(
    fc.property(course, fc.constantFrom('live' as const, 'strict' as const), (steps, mode) => {
      const ledger = new RequestLedger(steps.length);
      let batch = runningBatch({
        requestCount: steps.length,
        options: { counts: mode, markers: 'respect', budgetNanoUsd: null },
        counts: ledger.counts(),
      });
      let before = batch.counts;
      const poll = (liveCounts: RequestCounts | null): void => {
        const { processing_status: status, request_counts: now } = messageBatch(batch, { liveCounts, resultsUrl: '' });
        expect(sum(now)).toBe(steps.length);
        expect(now.processing === 0).toBe(status === 'ended');
        for (const type of RESULT_TYPES) expect(now[type]).toBeGreaterThanOrEqual(before[type]);
        if (liveCounts !== null) before = now;
      };
      steps.forEach(({ as, checkpoints, runsElsewhere }, request) => {
        ledger.apply(request, { type: 'settle', as });
        if (checkpoints) batch = { ...batch, counts: ledger.runningCounts() };
        if (!runsElsewhere || checkpoints) poll(runsElsewhere ? null : ledger.runningCounts());
      });
      const end = transitionBatch(batch, { type: 'all_settled', counts: ledger.counts() }, after(HOUR_US));
      if (end.type === 'changed') batch = end.batch;
      poll(ledger.runningCounts());
      expect(batch.status).toBe('ended');
    }),
  );
});
