import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ResultReader } from '../spool/spool.ts';
import { linesOf } from './result-lines.ts';

/** Gives at most so many bytes a read, as a disk may. */
function readerOf(bytes: Buffer, mostBytes: number): ResultReader {
  return {
    bytes: bytes.length,
    read: async (target, position) => bytes.copy(target, 0, position, position + mostBytes),
    close: async () => undefined,
  };
}

it('every whole line comes once, in order, however long it is and wherever reads end', async () => {
  const lineBytes = fc.oneof(fc.nat(50), fc.integer({ min: 250_000, max: 600_000 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(lineBytes, { maxLength: 8 }),
      fc.integer({ min: 1000, max: 300_000 }),
      fc.boolean(),
      async (lengths, mostBytes, isTorn) => {
        const lines = lengths.map((length, place) => `${String.fromCharCode(97 + place).repeat(length)}\n`);
        const log = Buffer.from(`skipped\n${lines.join('')}${isTorn ? 'torn' : ''}`);
        const found: string[] = [];
        for await (const line of linesOf(readerOf(log, mostBytes), 8)) found.push(Buffer.from(line).toString());
        expect(found).toEqual(lines);
      },
    ),
    { numRuns: 30 },
  );
});
