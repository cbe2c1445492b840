import type { BatchId } from '@batchwright/protocol';
import { expect, test } from 'vitest';
import { BatchChanges } from './batch-changes.ts';

const ONE = 'msgbatch_01one' as BatchId;
const OTHER = 'msgbatch_01other' as BatchId;

test('everybody who listens to a batch hears of it, and of no other', () => {
  const changes = new BatchChanges();
  const heard: string[] = [];
  changes.listen(ONE, (change) => heard.push(`a ${change}`));
  changes.listen(ONE, (change) => heard.push(`b ${change}`));
  changes.listen(OTHER, (change) => heard.push(`c ${change}`));
  changes.tell(ONE, 'moved');
  changes.tell(OTHER, 'ended');
  expect(heard).toEqual(['a moved', 'b moved', 'c ended']);
});

test('who stops listening hears nothing more, and takes nobody along', () => {
  const changes = new BatchChanges();
  const heard: string[] = [];
  const stop = changes.listen(ONE, () => heard.push('a'));
  stop();
  stop();
  changes.listen(ONE, () => heard.push('b'));
  stop();
  changes.tell(ONE, 'moved');
  expect(heard).toEqual(['b']);
});

test('one who leaves while being told does not keep the others from hearing', () => {
  const changes = new BatchChanges();
  const heard: string[] = [];
  const stop = changes.listen(ONE, () => (heard.push('a'), stop()));
  changes.listen(ONE, () => heard.push('b'));
  changes.tell(ONE, 'moved');
  changes.tell(ONE, 'moved');
  expect(heard).toEqual(['a', 'b', 'b']);
});
