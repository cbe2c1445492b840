import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.ts';

it.each([
  ['txet', ['id', 'text'], 'text'],
  ['Text', ['text', 'texts'], 'text'],
  ['reviews', ['id', 'review'], 'review'],
  ['body', ['id', 'text'], null],
  ['a', [], null],
])('for %s among %j is %s', (wanted, names, nearest) => {
  expect(nearestName(wanted, names)).toBe(nearest);
});
