import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ResultReader } from '../spool/spool.ts';
import { isLineStart, pageEnd } from './result-page.ts';

/** A reader that gives as much at once as it likes. */
function readerOf(text: string, mostBytes = Infinity): ResultReader {
  const content = Buffer.from(text);
  return {
    bytes: content.length,
    async read(target, position) {
      const part = content.subarray(position, position + Math.min(target.length, mostBytes));
      target.set(part);
      return part.length;
    },
    close: async () => undefined,
  };
}

const logs = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '{'), maxLength: 20 }), { maxLength: 30 });
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

test('pages are whole lines within the bounds, and together the whole log', async () => {
  const bounds = fc.record({
    lines: fc.option(fc.integer({ min: 1, max: 40 })),
    bytes: fc.integer({ min: 1, max: 300 }),
  });
  await fc.assert(
    fc.asyncProperty(logs, bounds, fc.integer({ min: 1, max: 50 }), async (lines, asked, mostBytes) => {
      const content = Buffer.from(textOf(lines));
      const reader = readerOf(textOf(lines), mostBytes);
      let from = 0;
      while (from < content.length) {
        const end = await pageEnd(reader, from, asked);
        const page = content.subarray(from, end).toString();
        const count = page.split('\n').length - 1;
        expect(page.endsWith('\n')).toBe(true);
        expect(count).toBeLessThanOrEqual(asked.lines ?? Infinity);
        expect(count === 1 || end - from <= asked.bytes).toBe(true);
        // As much as fits: the next line would have broken a bound.
        const next = content.indexOf('\n', end) + 1;
        expect(next === 0 || count === asked.lines || next - from > asked.bytes).toBe(true);
        expect(await isLineStart(reader, end)).toBe(true);
        from = end;
      }
      expect(from).toBe(content.length);
    }),
  );
});

test('a line longer than a page, and than a chunk, comes whole', async () => {
  const long = 'x'.repeat(700_000);
  const reader = readerOf(textOf(['a', long, 'b']));
  expect(await pageEnd(reader, 2, { lines: null, bytes: 1000 })).toBe(2 + long.length + 1);
  expect(await pageEnd(reader, 0, { lines: null, bytes: 1000 })).toBe(2);
});

test('the middle of a line is no start of one', async () => {
  const reader = readerOf('ab\ncd\n');
  const starts = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((offset) => isLineStart(reader, offset)));
  expect(starts).toEqual([true, false, false, true, false, false, true]);
});
