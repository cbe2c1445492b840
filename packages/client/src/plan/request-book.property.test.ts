import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bookOf, linesFrom, textOf } from './requests.fixture.ts';

const ids = fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/), { minLength: 1, maxLength: 80, size: 'max' });
const values = fc.jsonValue({ maxDepth: 3 });

const LIMIT_MS = 60_000;
/** Shrinking ends in time for the seed to be told. */
const IN_TIME = { plugins: [fc.interruptAfterTimeLimit(LIMIT_MS - 10_000, { failOnInterrupt: true })] };

describe('a book', { timeout: LIMIT_MS }, () => {
  it('finds every id and nothing else, and has its lines in any order', async () => {
    const inputs = fc
      .array(fc.tuple(values, fc.boolean(), fc.constantFrom(0, 0, 0, 0, 0, 900, 3000, 90_000)), {
        minLength: 80,
        maxLength: 80,
      })
      .chain((rest) =>
        fc.record({ all: ids, rest: fc.constant(rest), wanted: fc.array(fc.nat(), { maxLength: 100 }) }),
      );
    await fc.assert(
      fc.asyncProperty(inputs, async ({ all, rest, wanted }) => {
        const texts = all.map((id, i) => {
          const [value, isSpaced, padding] = rest[i] ?? [null, false, 0];
          const params = { value, padding: 'é'.repeat(padding) };
          return isSpaced
            ? `{ "params" : ${JSON.stringify(params)} , "custom_id" : "${id}" }`
            : JSON.stringify({ custom_id: id, params });
        });
        const book = await bookOf(linesFrom(texts));
        expect(all.map((id) => book.find(id))).toEqual([...all.keys()]);
        expect(all.map((id) => book.find(`${id}!`))).toEqual(all.map(() => -1));
        const numbers = Uint32Array.from(wanted, (number) => number % all.length);
        expect(await allLines(book.lines(numbers))).toEqual([...numbers].map((number) => texts[number]));
        expect(await allLines(book.lines('all'))).toEqual(texts);
      }),
      { numRuns: 30, ...IN_TIME },
    );
  });
});

async function allLines(groups: AsyncIterable<readonly Uint8Array[]>): Promise<string[]> {
  const lines: string[] = [];
  for await (const group of groups) lines.push(...group.map(textOf));
  return lines;
}
