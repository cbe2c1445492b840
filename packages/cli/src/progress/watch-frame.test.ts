import type { BatchEvent } from '@batchwright/client';
import type { BatchId, ProcessingStatus, RequestCounts } from '@batchwright/protocol';
import { describe, expect, it } from 'vitest';
import { PLAIN } from './paint.ts';
import { watchFrame } from './watch-frame.ts';

const NOW_MS = Date.parse('2026-11-21T10:00:00Z');

function event(id: string, status: ProcessingStatus, counts: Partial<RequestCounts>): BatchEvent {
  const none = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  const batch = { id: id as BatchId, processing_status: status, request_counts: { ...none, ...counts } };
  return { batch, resultsPerSecond: 13.2, eta: '2026-11-21T10:02:00Z', costNanoUsd: 289_000_000 };
}

function frame(events: readonly BatchEvent[], columns: number, more: readonly string[] = []): readonly string[] {
  const latest = new Map(events.map((each) => [each.batch.id as string, each]));
  return watchFrame([...latest.keys(), ...more], latest, { columns, paint: PLAIN, nowMs: NOW_MS });
}

describe('watchFrame', () => {
  it('shows each batch with its bar, and what is known of it', () => {
    const events = [
      event('msgbatch_a', 'in_progress', { processing: 75, succeeded: 20, errored: 5 }),
      event('msgbatch_b', 'ended', { succeeded: 10 }),
    ];
    expect(frame(events, 63, ['msgbatch_c'])).toEqual([
      'msgbatch_a in_progress',
      `  ${'█'.repeat(12)}${'▓'.repeat(3)}${'░'.repeat(45)}`,
      '  25 of 100 (25%) · 5 errored · 13/s · done in 2 min · $0.2890',
      'msgbatch_b ended',
      `  ${'█'.repeat(60)}`,
      '  10 of 10 (100%) · $0.2890',
      'msgbatch_c …',
    ]);
  });

  it.each([20, 40, 80, 120])('is no wider than %d columns', (columns) => {
    const id = 'msgbatch_01htgQiW4c8MbwoNuwJe3GC9';
    const counts = { processing: 12_345, succeeded: 54_321, errored: 1, canceled: 20, expired: 300 };
    for (const line of frame([event(id, 'canceling', counts)], columns)) expect(line.length).toBeLessThan(columns + 1);
  });

  it('of many shows those that have not ended, and counts the rest', () => {
    const events = Array.from({ length: 12 }, (_, i) =>
      event(`msgbatch_${i}`, i < 9 ? 'ended' : 'in_progress', { succeeded: 1 }),
    );
    const lines = frame(events, 60);
    expect(lines.filter((line) => line.startsWith('msgbatch_')).slice(0, 3)).toEqual([
      'msgbatch_9 in_progress',
      'msgbatch_10 in_progress',
      'msgbatch_11 in_progress',
    ]);
    expect(lines.at(-1)).toBe('and 4 more; 9 ended');
  });
});
