import type { BatchId } from '@batchwright/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCursor, writeCursor } from './results-cursor.ts';

const ONE = 'msgbatch_01one' as BatchId;
const OTHER = 'msgbatch_01other' as BatchId;
const offsets = fc.nat({ max: 2 ** 48 - 1 });

test('a cursor leads back to where it was made, and only in its own batch', () => {
  fc.assert(
    fc.property(offsets, (offset) => {
      const cursor = writeCursor(ONE, offset);
      expect(cursor).toMatch(/^[\w-]{22}$/);
      expect(readCursor(ONE, cursor)).toBe(offset);
      expect(readCursor(OTHER, cursor)).toBeNull();
    }),
  );
});

test('a cursor that was changed anywhere leads nowhere', () => {
  fc.assert(
    fc.property(offsets, fc.nat({ max: 21 }), fc.constantFrom('A', '9', '_', '!', ''), (offset, at, character) => {
      const cursor = writeCursor(ONE, offset);
      const changed = cursor.slice(0, at) + character + cursor.slice(at + 1);
      fc.pre(changed !== cursor);
      expect(readCursor(ONE, changed)).toBeNull();
    }),
  );
});

test.each(['', '0', 'null', '../..', 'a'.repeat(10_000), '%00', writeCursor(ONE, 5) + '='])(
  '%j is no cursor',
  (text) => {
    expect(readCursor(ONE, text)).toBeNull();
  },
);
