import { describe, expect, it } from 'vitest';
import type { JournalEntry, PlannedBatch } from './journal-entry.ts';
import { JournalDamageError, replay } from './run-record.ts';

const BEGUN: JournalEntry = { type: 'begun', format: 1, atMs: 1, identity: { input: 'a' } };
const PREPARED: JournalEntry = { type: 'prepared', atMs: 2, requests: 9, requestBytes: 900 };
const CREATED = { createdAt: '2026-11-21T09:00:00Z', expiresAt: '2026-11-22T09:00:00Z' };
const COUNTS = { processing: 0, succeeded: 3, errored: 0, canceled: 0, expired: 0 };

const batch = (number: number): PlannedBatch => ({
  number,
  wave: 0,
  isLeading: false,
  after: [],
  requests: 3,
  bytes: 300,
  tokens: 30,
  expectedNanoUsd: null,
});
const planned = (numbers: readonly number[], round = 0, replaces: readonly number[] = []): JournalEntry => ({
  type: 'planned',
  atMs: 3,
  round,
  batches: numbers.map(batch),
  replaces,
});
const sending = (number: number, atMs = 4): JournalEntry => ({ type: 'sending', atMs, batch: number });
const sent = (number: number, id: string, isAdopted = false): JournalEntry => ({
  type: 'sent',
  atMs: 5,
  batch: number,
  id,
  ...CREATED,
  isAdopted,
});
const notSent = (number: number): JournalEntry => ({ type: 'not_sent', atMs: 6, batch: number, reason: 'r' });
const ended = (number: number): JournalEntry => ({ type: 'ended', atMs: 7, batch: number, counts: COUNTS });
const downloaded = (number: number): JournalEntry => ({ type: 'downloaded', atMs: 8, batch: number, bytes: 77 });
const finished = (succeeded: number, rejected = 0): JournalEntry => ({
  type: 'finished',
  atMs: 9,
  counts: { requests: 6, succeeded, errored: 6 - succeeded, canceled: 0, expired: 0, rejected },
});
const REOPENED: JournalEntry = { type: 'reopened', atMs: 10 };
const START = [BEGUN, PREPARED, planned([0, 1])];

describe('a journal', () => {
  it('that is empty is of a run that has never been', () => {
    expect(replay([])).toMatchObject({ begun: null, prepared: null, round: -1, hasSent: false, finishedAtMs: null });
  });

  it('tells how far each batch is', () => {
    const record = replay([...START, sending(0), sent(0, 'a'), ended(0), downloaded(0), sending(1)]);
    expect(record.batch(0).state).toEqual({
      type: 'downloaded',
      id: 'a',
      isAdopted: false,
      sinceMs: 4,
      createdAtMs: Date.parse(CREATED.createdAt),
      bytes: 77,
    });
    expect(record.batch(1).state).toEqual({ type: 'sending', sinceMs: 4 });
    expect(record).toMatchObject({ hasSent: true, round: 0, isCanceled: false });
  });

  it('has sent nothing when all it sent was refused', () => {
    expect(replay([...START, sending(0)]).hasSent).toBe(true);
    expect(replay([...START, sending(0), notSent(0)]).hasSent).toBe(false);
    expect(replay([...START, sending(0), sent(0, 'a', true), notSent(0)]).hasSent).toBe(true);
  });

  it('tells what took the place of what, and how often', () => {
    const record = replay([...START, planned([2, 3], 0, [1]), planned([4], 0, [3])]);
    expect(record.batch(1).state).toEqual({ type: 'replaced', by: [2, 3] });
    expect(record.batches.map(({ generation }) => generation)).toEqual([0, 0, 1, 1, 2]);
  });

  it('knows whose a batch on the server is, and which one was not', () => {
    const taken = [...START, sending(0), sent(0, 'a', true)];
    expect(replay(taken).isClaimed('a')).toBe(true);
    const record = replay([...taken, ended(0), notSent(0)]);
    expect(record.isClaimed('a')).toBe(false);
    // Whether one was created is as unknown as before.
    expect(record.batch(0)).toMatchObject({ state: { type: 'sending', sinceMs: 4 }, notOurs: ['a'] });
  });

  it('tells the tries of before a finished run was reopened from those after', () => {
    const before = [
      ...START,
      sending(0),
      sent(0, 'a'),
      ended(0),
      downloaded(0),
      { type: 'canceled', atMs: 8 } as const,
    ];
    const kept = replay([...before, finished(3)]);
    expect(kept).toMatchObject({ finishedAtMs: 9, canReopen: true, finalCounts: { requests: 6, succeeded: 3 } });
    const record = replay([...before, finished(3), REOPENED, planned([2], 1)]);
    expect(record).toMatchObject({ finishedAtMs: null, finalCounts: null, isCanceled: false, round: 1 });
    expect(record.batches.map(({ isPast }) => isPast)).toEqual([true, false, false]);
  });

  it('is not reopened where nothing failed, or nothing is kept', () => {
    expect(replay([...START, finished(6)]).canReopen).toBe(false);
    expect(replay([...START, finished(6, 1)]).canReopen).toBe(true);
    expect(replay([...START, { type: 'finished', atMs: 9 }])).toMatchObject({ canReopen: false, finalCounts: null });
  });

  it.each<[string, readonly JournalEntry[]]>([
    ['has entries that nobody knows', [...START, { type: 'strange', atMs: 9 } as unknown as JournalEntry]],
    ['has another format', [{ ...BEGUN, format: 2 } as unknown as JournalEntry]],
  ])('that %s is of a newer version, and not to be begun anew', (_, entries) => {
    const attempt = (): unknown => replay(entries);
    expect(attempt).toThrow(JournalDamageError);
    expect(attempt).toThrow(/kept by a newer version, which notes .*; take it up with that one/);
  });

  it.each<[string, readonly JournalEntry[]]>([
    ['begins without a beginning', [PREPARED]],
    ['begins twice', [BEGUN, BEGUN]],
    ['prepares twice', [BEGUN, PREPARED, PREPARED]],
    ['plans what is not prepared', [BEGUN, planned([0])]],
    ['leaves a number out', [...START, planned([3])]],
    ['goes a round back', [...START, planned([2], 1), planned([3], 0)]],
    ['replaces what is under way', [...START, sending(0), planned([2], 0, [0])]],
    ['replaces what is not there', [...START, planned([2], 0, [7])]],
    ['sends what is not planned', [...START, sending(2)]],
    ['sends what is sent', [...START, sending(0), sent(0, 'a'), sending(0)]],
    ['sends what was replaced', [...START, planned([2], 0, [0]), sending(0)]],
    ['has an answer to no question', [...START, sent(0, 'a')]],
    ['takes back what is proven', [...START, sending(0), sent(0, 'a'), notSent(0)]],
    ['ends what was not sent', [...START, ended(0)]],
    ['reopens what is not finished', [...START, REOPENED]],
    ['reopens what all succeeded', [...START, finished(6), REOPENED]],
    ['downloads what has not ended', [...START, sending(0), sent(0, 'a'), downloaded(0)]],
  ])('that %s is damaged', (_, entries) => {
    expect(() => replay(entries)).toThrow(JournalDamageError);
  });
});
