import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JournalEntry, PlannedBatch } from './journal-entry.ts';
import { replay, type RunRecord } from './run-record.ts';

const batch = (number: number): PlannedBatch => ({
  number,
  wave: 0,
  isLeading: false,
  after: [],
  requests: 1,
  bytes: 1,
  tokens: 1,
  expectedNanoUsd: null,
});

const numbers = fc.integer({ min: 0, max: 5 });
const entries: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc
    .record({
      type: fc.constant('planned' as const),
      atMs: fc.nat(9),
      round: fc.nat(2),
      first: numbers,
      count: fc.nat(2),
      replaces: fc.array(numbers, { maxLength: 1 }),
    })
    .map(({ first, count, ...entry }) => ({
      ...entry,
      batches: Array.from({ length: count }, (_, i) => batch(first + i)),
    })),
  fc.record({ type: fc.constant('sending' as const), atMs: fc.nat(9), batch: numbers }),
  fc.record({
    type: fc.constant('sent' as const),
    atMs: fc.nat(9),
    batch: numbers,
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    createdAt: fc.constant('2026-11-21T09:00:00Z'),
    expiresAt: fc.constant('2026-11-22T09:00:00Z'),
    isAdopted: fc.boolean(),
  }),
  fc.record({ type: fc.constant('not_sent' as const), atMs: fc.nat(9), batch: numbers, reason: fc.constant('r') }),
  fc.record({
    type: fc.constant('ended' as const),
    atMs: fc.nat(9),
    batch: numbers,
    counts: fc.constant({ processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 }),
  }),
  fc.record({ type: fc.constant('downloaded' as const), atMs: fc.nat(9), batch: numbers, bytes: fc.nat(9) }),
);

const START: readonly JournalEntry[] = [
  { type: 'begun', format: 1, atMs: 0, identity: {} },
  { type: 'prepared', atMs: 0, requests: 9, requestBytes: 9 },
  { type: 'planned', atMs: 0, round: 0, batches: [batch(0), batch(1), batch(2)], replaces: [] },
];

const shown = (record: RunRecord) => ({
  batches: record.batches,
  round: record.round,
  hasSent: record.hasSent,
  claimed: ['a', 'b', 'c', 'd'].filter((id) => record.isClaimed(id)),
});

it('takes an entry whole or not at all, and says the same whether it was kept or grew', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(entries, { minLength: 20, maxLength: 60 }), (tried) => {
      const grown = replay(START);
      const kept = [...START];
      for (const entry of tried) {
        // No server gives two batches one id.
        if (entry.type === 'sent' && grown.isClaimed(entry.id)) continue;
        const before = JSON.stringify(shown(grown));
        try {
          grown.add(entry);
          kept.push(entry);
          taken += 1;
        } catch {
          expect(JSON.stringify(shown(grown))).toBe(before);
        }
      }
      expect(shown(replay(kept))).toEqual(shown(grown));
      // A batch on the server is one batch's.
      const claims = grown.batches.flatMap(({ state }) => ('id' in state ? [state.id] : []));
      for (const id of claims) expect(grown.isClaimed(id)).toBe(true);
      for (const { state, plan } of grown.batches) {
        if (state.type === 'replaced') expect(state.by.every((by) => by > plan.number)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
  expect(taken).toBeGreaterThan(1000);
});
