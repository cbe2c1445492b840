import { createColors } from 'picocolors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visibleLength } from './flowed-text.ts';
import { PLAIN } from './paint.ts';
import { progressFrame } from './progress-frame.ts';
import { batchOf, progressOf } from './progress.fixture.ts';
import type { RunProgress } from '@batchwright/client';

const INPUT = { readBytes: 340, totalBytes: 1000 };

function frame(progress: RunProgress, columns: number, rows = 24): readonly string[] {
  return progressFrame(progress, { columns, rows, paint: PLAIN, input: INPUT });
}

/** Forty batches: twenty over, six under way. */
function crowd(): RunProgress {
  const batches = Array.from({ length: 40 }, (_, i) => {
    if (i < 20) return batchOf(i, { state: 'downloaded', settled: 2500 });
    return i < 26 ? batchOf(i, { settled: 300 }) : batchOf(i, { state: 'planned', id: null });
  });
  return progressOf({
    requests: 100_000,
    batches,
    waitingFor: 'waiting 30 s: the API takes no more requests just now',
  });
}

describe('a frame', () => {
  it('says what a run cost, and no more what it may, when all is settled', () => {
    const counts = { succeeded: 4190, errored: 10, canceled: 0, expired: 0 };
    for (const phase of ['running', 'writing', 'finished'] as const) {
      const last = frame(progressOf({ phase, requests: 4200, counts }), 120).at(-1);
      expect(last).toBe('1.2M tokens in · 77% from the cache · 126k out · $0.5028 in all');
    }
  });

  it('shows whole ids and bars on 120 columns', () => {
    expect(frame(progressOf(), 120)).toEqual([
      'running 4,210 of 10,000 (42%) · 118/s · about 49 s left',
      '█████████████████████████▓▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░',
      '4,190 succeeded · 20 failed · 790 under way · 5,000 to be sent · 3 tried again',
      '1  msgbatch_010000AbCdEfGhJkMnPqRsTu  wave 1   over         2,500 of 2,500  100%  ▮▮▮▮▮▮▮▮▮▮',
      '2  msgbatch_010001AbCdEfGhJkMnPqRsTu  wave 2   in progress  1,710 of 2,500   68%  ▮▮▮▮▮▮▯▯▯▯',
      '3                                     wave 2   to come      2,500 requests',
      '4                                     wave 2   to come      2,500 requests',
      '1.2M tokens in · 77% from the cache · 126k out · $0.50 so far · about $2.90 in all',
    ]);
  });

  it('shows the batches that matter and counts the rest, on 80 columns', () => {
    expect(frame(crowd(), 80)).toEqual([
      'running 4,210 of 100,000 (4%) · 118/s · about 49 s left',
      '██▓▒▒▒▒▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░',
      '4,190 succeeded · 20 failed · 13,200 under way · 82,590 to be sent',
      '3 tried again',
      '19  msgbatch_010018AbCdEfGhJkMnPqRsTu  over         2,500 of 2,500  100%',
      '20  msgbatch_010019AbCdEfGhJkMnPqRsTu  over         2,500 of 2,500  100%',
      '21  msgbatch_010020AbCdEfGhJkMnPqRsTu  in progress    300 of 2,500   12%',
      '22  msgbatch_010021AbCdEfGhJkMnPqRsTu  in progress    300 of 2,500   12%',
      '23  msgbatch_010022AbCdEfGhJkMnPqRsTu  in progress    300 of 2,500   12%',
      '24  msgbatch_010023AbCdEfGhJkMnPqRsTu  in progress    300 of 2,500   12%',
      '25  msgbatch_010024AbCdEfGhJkMnPqRsTu  in progress    300 of 2,500   12%',
      '26  msgbatch_010025AbCdEfGhJkMnPqRsTu  in progress    300 of 2,500   12%',
      'and 32 more (18 over, 14 to come)',
      '1.2M tokens in · 77% from the cache · 126k out · $0.50 so far',
      'about $2.90 in all',
      'waiting 30 s: the API takes no more requests just now',
    ]);
  });

  it('says the same on 40 columns, in more lines', () => {
    expect(frame(progressOf({ waitingFor: 'waiting 30 s: the API takes no more requests just now' }), 40)).toEqual([
      'running 4,210 of 10,000 (42%) · 118/s',
      'about 49 s left',
      '████████████████▓▒▒▒░░░░░░░░░░░░░░░░░░░',
      '4,190 succeeded · 20 failed',
      '790 under way · 5,000 to be sent',
      '3 tried again',
      '1  010000A…  wave 1   over         100%',
      '2  010001A…  wave 2   in progress   68%',
      '3            wave 2   to come',
      '4            wave 2   to come',
      '1.2M tokens in · 77% from the cache',
      '126k out · $0.50 so far',
      'about $2.90 in all',
      'waiting 30 s: the API takes no more',
      'requests just now',
    ]);
  });

  it('says what is read, before there is anything to draw', () => {
    const empty = { counts: { succeeded: 0, errored: 0, canceled: 0, expired: 0 }, batches: [], totals: new Map() };
    const reading = progressOf({ ...empty, phase: 'reading', requests: 1200, expectedNanoUsd: null });
    expect(frame(reading, 80)).toEqual(['reading 1,200 requests (34%)']);
    expect(frame({ ...reading, phase: 'planning' }, 80)).toEqual(['planning 1,200 requests']);
  });

  it('is never wider than the terminal, always lower, and says the same in colours', () => {
    const count = fc.nat({ max: 2_000_000 });
    const progress = fc
      .record({ succeeded: count, errored: count, canceled: count, expired: count, unsent: count, batches: fc.nat(50) })
      .map(({ unsent, batches, ...counts }) =>
        progressOf({
          counts,
          requests: counts.succeeded + counts.errored + counts.canceled + counts.expired + unsent,
          batches: Array.from({ length: batches }, (_, i) =>
            batchOf(i, i % 3 === 0 ? { state: 'planned', id: null } : { settled: i * 10 }),
          ),
          waitingFor: 'waiting for something that has a long name indeed',
        }),
      );
    fc.assert(
      fc.property(
        progress,
        fc.integer({ min: 12, max: 200 }),
        fc.integer({ min: 2, max: 60 }),
        (run, columns, rows) => {
          const plain = frame(run, columns, rows);
          const coloured = progressFrame(run, { columns, rows, paint: createColors(true), input: INPUT });
          expect(plain.length).toBeLessThan(rows);
          for (const line of plain) expect(line.length).toBeLessThan(columns);
          expect(coloured.map(visibleLength)).toEqual(plain.map((line) => line.length));
        },
      ),
    );
  });
});
