import { expect, it } from 'vitest';
import { readBatch } from './answered-batch.ts';

const BATCH = {
  id: 'msgbatch_1',
  processing_status: 'ended',
  created_at: '2026-11-21T09:00:00Z',
  expires_at: '2026-11-22T09:00:00Z',
  request_counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 0 },
};

it.each(['msgbatch_1', 'batch_AbC-9', 'YmF0Y2g6MQ=='])('a batch may be named %s', (id) => {
  expect(readBatch({ ...BATCH, id })?.id).toBe(id);
});

it.each(['', 'a b', 'a\nb', '\u001b[2J', '\u009b2J', 'a\u202eb', 'x'.repeat(513), 7])(
  'what is named %j is no batch',
  (id) => {
    expect(readBatch({ ...BATCH, id })).toBeNull();
  },
);
