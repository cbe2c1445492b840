import type { BatchId } from '@batchwright/protocol';
import { expect, test } from 'vitest';
import { chunkOf, store, submission } from '../spool.fixture.ts';
import { openFileSpool } from './file-spool.ts';
import { SimulatedFiles, type FileEffect } from './simulated-files.fixture.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const DIRECTORY = `/spool/${BATCH}`;

const isWriteOf = (name: string) => (effect: FileEffect) =>
  effect.type === 'write' && effect.path === `${DIRECTORY}/${name}` && effect.bytes.length > 0;

test('what a recovery failed to sync is written again by the next, since a second sync alone would prove nothing', async () => {
  const before = new SimulatedFiles();
  const spool = openFileSpool('/spool', before);
  await store(spool, BATCH, submission(['{}', '{}']));
  const log = await spool.openResultLog(BATCH, 0, 1);
  await log.commit(chunkOf([{ request: 0, type: 'succeeded' }]));
  const files = new SimulatedFiles(before.contents);
  const next = openFileSpool('/spool', files);
  files.onSync = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  await expect(next.openResultLog(BATCH, 0, 2)).rejects.toThrow();
  files.onSync = () => undefined;
  files.effects.length = 0;
  await (await next.openResultLog(BATCH, 0, 3)).close();
  const names = ['results.jsonl', 'done.log'];
  expect(names.map((name) => files.effects.findIndex(isWriteOf(name)) >= 0)).toEqual([true, true]);
  const lastWrite = files.effects.findLastIndex(({ type }) => type === 'write');
  expect(files.effects.slice(lastWrite).filter(({ type }) => type === 'sync')).toHaveLength(2);
});
