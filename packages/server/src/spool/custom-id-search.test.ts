import { expect, test } from 'vitest';
import { CustomIds, type RequestIndex } from '@batchwright/scan';
import { customIdOf, findCustomId } from './custom-id-search.ts';

function indexOf(ids: readonly string[]): RequestIndex {
  return {
    count: ids.length,
    paramsOffset: new Uint32Array(ids.length),
    paramsBytes: new Uint32Array(ids.length),
    traits: new Uint8Array(ids.length),
    customIds: new CustomIds(
      Uint8Array.from(ids, (id) => id.length),
      Buffer.from(ids.join(''), 'latin1'),
    ),
  };
}

test('every custom_id is found where it is', () => {
  const ids = ['a', 'aa', 'ba', 'ab', 'a-b_C9', 'x'.repeat(64), 'x'.repeat(63) + 'y'];
  const index = indexOf(ids);
  expect(ids.map((id) => findCustomId(index, id))).toEqual(ids.map((_, request) => request));
  expect(ids.map((_, request) => customIdOf(index, request))).toEqual(ids);
});

test.each(['b', 'aab', '', 'A', 'aé', 'x'.repeat(65), '%', '{custom_id}'])('%j is not among them', (id) => {
  // Back to back, the ids hold what none of them is.
  expect(findCustomId(indexOf(['a', 'aa', 'ba']), id)).toBeNull();
});

test('one among 100,000 is found in a few milliseconds', () => {
  const index = indexOf(Array.from({ length: 100_000 }, (_, i) => `request-${String(i).padStart(6, '0')}`));
  const startedMs = performance.now();
  for (let i = 0; i < 20; i++) expect(findCustomId(index, `request-0999${String(i + 80)}`)).toBe(99_980 + i);
  // Twenty searches to the far end; generous by far, since others use the machine.
  expect(performance.now() - startedMs).toBeLessThan(1000);
});
