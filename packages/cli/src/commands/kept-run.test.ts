import { replay, type JournalEntry } from '@batchwright/client';
import { describe, expect, it } from 'vitest';
import { differencesFrom, openBatchIds } from './kept-run.ts';

const BEGUN: JournalEntry = { type: 'begun', format: 1, atMs: 1, identity: { input: 'a.jsonl', server: 'http://h' } };

describe('a run that is kept', () => {
  it('is taken up only by what is the same', () => {
    const record = replay([BEGUN]);
    expect(differencesFrom(record, { input: 'a.jsonl', server: 'http://h' })).toEqual({
      requests: [],
      planning: [],
    });
    expect(
      differencesFrom(record, { input: 'b.jsonl', server: 'http://h', template: 'x', '--batch-requests': '5' }),
    ).toEqual({ requests: ['input', 'template'], planning: ['--batch-requests'] });
    expect(differencesFrom(replay([]), {})).toBeNull();
  });

  it('may have batches under way: sent and not over, or sent for all anybody knows', () => {
    const batch = { wave: 0, isLeading: false, after: [], requests: 1, bytes: 1, tokens: 1, expectedNanoUsd: null };
    const batches = [0, 1, 2, 3, 4].map((number) => ({ ...batch, number }));
    const sent = { type: 'sent', createdAt: '', expiresAt: '', isAdopted: false, atMs: 1 } as const;
    const counts = { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 };
    const record = replay([
      BEGUN,
      { type: 'prepared', atMs: 1, requests: 4, requestBytes: 4 },
      { type: 'planned', atMs: 1, round: 0, batches, replaces: [] },
      ...[0, 1, 2, 3].map((number) => ({ type: 'sending', atMs: 1, batch: number }) as const),
      { ...sent, batch: 0, id: 'msgbatch_0' },
      { ...sent, batch: 1, id: 'msgbatch_1' },
      { ...sent, batch: 3, id: 'msgbatch_3', isAdopted: true },
      { type: 'ended', atMs: 1, batch: 0, counts },
    ]);
    expect(openBatchIds(record)).toEqual(['msgbatch_1', null, null]);
  });
});
