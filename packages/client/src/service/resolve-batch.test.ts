import type { MessageBatch } from '@batchwright/protocol';
import { expect, test } from 'vitest';
import type { BatchService } from './batch-service.ts';
import { resolveBatch } from './resolve-batch.ts';

function serviceWith(ids: readonly string[]): BatchService {
  return {
    name: 'here',
    async *newest() {
      for (const id of ids) yield { id } as MessageBatch;
    },
  } as unknown as BatchService;
}

const IDS = ['msgbatch_01abcd', 'msgbatch_01abxy', 'msgbatch_02', 'short', 'shorter'];

test.each([
  ['msgbatch_01abc', 'msgbatch_01abcd'],
  ['01abx', 'msgbatch_01abxy'],
  [' 02 ', 'msgbatch_02'],
  ['short', 'short'],
  ['shorte', 'shorter'],
  ['msgbatch_01AAAAAAAAAAAAAAAAAAAAAAAA', 'msgbatch_01AAAAAAAAAAAAAAAAAAAAAAAA'],
])('%s is %s', async (text, id) => {
  expect(await resolveBatch(serviceWith(IDS), text)).toBe(id);
});

test.each([
  ['01ab', 'Several batches at here begin with 01ab: msgbatch_01abcd, msgbatch_01abxy. Write more of the id.'],
  ['9', 'No batch at here begins with 9. `batchwright list` shows those there are.'],
  ['', '"" is no batch id.'],
  ['../x', '"../x" is no batch id.'],
])('%j is nobody’s: %s', async (text, message) => {
  await expect(resolveBatch(serviceWith(IDS), text)).rejects.toThrow(message);
});

test('of very many candidates a few are named', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `msgbatch_0${i}`);
  await expect(resolveBatch(serviceWith(ids), 'msgbatch_')).rejects.toThrow(/msgbatch_04, …\. Write more/);
});
