import { expect, it } from 'vitest';
import { after, archivedBatch, cancelingBatch, endedBatch, HOUR_US, runningBatch } from './batch.fixture.ts';
import { archiveAtUs, isDueForArchive, isExpired, leftoverResult } from './expiry.ts';

const EXPIRY = 24 * HOUR_US;
const RETENTION = 29 * 24 * HOUR_US;

it('B15 a running batch is expired from exactly its expires_at on', () => {
  for (const batch of [runningBatch(), cancelingBatch()]) {
    expect(isExpired(batch, after(EXPIRY - 1))).toBe(false);
    expect(isExpired(batch, after(EXPIRY))).toBe(true);
  }
});

it('B15 a batch that ended does not expire any more', () => {
  expect(isExpired(endedBatch(), after(EXPIRY))).toBe(false);
});

it('B15 results are kept 29 days from creation, however late the batch ended', () => {
  const late = { ...endedBatch(), endedAtUs: after(EXPIRY) };
  expect(archiveAtUs(late)).toBe(after(RETENTION));
  expect(isDueForArchive(late, after(RETENTION - 1))).toBe(false);
  expect(isDueForArchive(late, after(RETENTION))).toBe(true);
});

it('B15 neither a running nor an archived batch is due for archive', () => {
  expect(isDueForArchive(runningBatch(), after(RETENTION))).toBe(false);
  expect(isDueForArchive(archivedBatch(), after(RETENTION))).toBe(false);
});

it('B16 what a cancel left unanswered is canceled, even past expiry; else it is expired', () => {
  expect(leftoverResult(cancelingBatch())).toBe('canceled');
  expect(leftoverResult(runningBatch())).toBe('expired');
});
