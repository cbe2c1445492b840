import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { all, piecesOf } from '../input.fixture.ts';
import { csvRows } from './csv-rows.ts';

const name = fc.string({ unit: fc.constantFrom('a', 'b', ',', '"', ' ', 'é'), minLength: 1 });
const field = fc.string({ unit: fc.constantFrom('x', ',', '"', '\n', '\r\n', '\t', ' ', 'é', '😀') });

it.each([',', '\t', ';'])('reads back what was written with %j, however it is cut', async (delimiter) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 2, maxLength: 4 }),
      fc.array(fc.tuple(field, field, field, field)),
      fc.integer({ min: 1, max: 20 }),
      async (names, values, size) => {
        const rows = values.map((row) => row.slice(0, names.length));
        const text = stringify([names, ...rows], { delimiter, quoted: true });
        const read = await all(csvRows(piecesOf(Buffer.from(text), size), delimiter, 'rows'));
        expect(read.map((row) => names.map((column) => row.text(column)))).toEqual(rows);
      },
    ),
  );
});
