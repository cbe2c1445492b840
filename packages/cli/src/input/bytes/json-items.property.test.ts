import fc from 'fast-check';
import { expect, it } from 'vitest';
import { all, piecesOf } from '../input.fixture.ts';
import { jsonItems } from './json-items.ts';
import { linesOf } from './lines.ts';

const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()));

it('cuts any list into its items, however it is printed and cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      objects,
      fc.boolean(),
      fc.nat(3),
      fc.integer({ min: 1, max: 9 }),
      async (list, isBody, indent, size) => {
        const text = JSON.stringify(isBody ? { requests: list } : list, null, indent);
        const items = await all(jsonItems(piecesOf(Buffer.from(text), size), 'a.json'));
        expect(items.map(({ bytes }) => JSON.parse(bytes.toString()) as unknown)).toEqual(
          list.map((item) => JSON.parse(JSON.stringify(item)) as unknown),
        );
        expect(items.every(({ bytes }) => !bytes.includes('\n'))).toBe(true);
      },
    ),
  );
});

it('cuts any text into its lines, however the bytes arrive', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', ' ', 'é', '\t') });
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 9 }),
      async (lines, end, size) => {
        const read = await all(linesOf(piecesOf(Buffer.from(lines.join(end)), size), 'a'));
        const expected = lines.flatMap((text, at) => (text.trim() === '' ? [] : [[text, `a line ${at + 1}`]]));
        expect(read.map(({ bytes, origin }) => [bytes.toString(), origin])).toEqual(expected);
      },
    ),
  );
});
