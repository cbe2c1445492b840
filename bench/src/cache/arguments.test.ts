import { expect, it } from 'vitest';
import { readCacheOrder } from './arguments.ts';

const KNOWN = ['W2', 'W5', 'C7'];

it('everything is played, as text, unless something is chosen', () => {
  expect(readCacheOrder([], KNOWN)).toEqual({ type: 'order', order: { ids: new Set(), isJson: false } });
  expect(readCacheOrder(['w2', '--json', 'C7'], KNOWN)).toEqual({
    type: 'order',
    order: { ids: new Set(['W2', 'C7']), isJson: true },
  });
});

it.each(['W99', '--jsonl', ''])('%j is refused in one line that names what there is', (arg) => {
  expect(readCacheOrder([arg], KNOWN)).toEqual({
    type: 'misused',
    line: `nothing is called ${arg}; there are W2, W5, C7`,
  });
});
