import type { BatchId } from '@batchwright/protocol';
import { expect, test } from 'vitest';
import { StoredDamageError } from '../stored-damage.ts';
import { FileTrust } from './file-trust.ts';

const BATCH = 'msgbatch_01a' as BatchId;
const HOUR_MS = 60 * 60 * 1000;
const damage = new StoredDamageError({ batchId: BATCH, file: 'results.jsonl', byte: 7, finding: 'it differs' });

test('what was verified is believed for an hour, and no longer', () => {
  let now = 5;
  const trust = new FileTrust(() => now);
  trust.verified(BATCH, 'files as they are');
  now += HOUR_MS;
  expect(trust.of(BATCH, 'files as they are')?.type).toBe('verified');
  now += 1;
  expect(trust.of(BATCH, 'files as they are')).toBe(null);
});

test('files that were touched are not those that were known', () => {
  const trust = new FileTrust(() => 0);
  trust.verified(BATCH, 'before');
  expect(trust.of(BATCH, 'after')).toBe(null);
  trust.damaged(BATCH, 'after', damage);
  expect(trust.of(BATCH, 'before')).toBe(null);
  expect(trust.of(BATCH, 'after')).toMatchObject({ type: 'damaged', error: damage });
});

test('ten thousand batches are remembered, the latest', () => {
  const trust = new FileTrust(() => 0);
  const ids = Array.from({ length: 10_001 }, (_, i) => `msgbatch_${i}` as BatchId);
  for (const id of ids) trust.verified(id, 'same');
  expect(ids.filter((id) => trust.of(id, 'same') === null)).toEqual(['msgbatch_0']);
});
