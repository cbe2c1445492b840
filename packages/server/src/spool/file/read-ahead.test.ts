import { describe, expect, test } from 'vitest';
import { ReadAhead, ReadAheadBudget } from './read-ahead.ts';
import { SimulatedFiles } from './simulated-files.fixture.ts';

const MEGABYTE = 1024 * 1024;

/** A body of `size` bytes, each naming its place, and the reads that reach the file. */
async function bodyOf(size: number) {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 7 + (i >> 8);
  const file = await new SimulatedFiles(new Map([['/body', bytes]])).open('/body', 'read');
  const reads: { position: number; length: number }[] = [];
  const targets = new Set<ArrayBufferLike>();
  const counted = {
    ...file,
    read: (target: Uint8Array, position: number) => {
      reads.push({ position, length: target.length });
      targets.add(target.buffer);
      return file.read(target, position);
    },
  };
  const budget = new ReadAheadBudget();
  budget.join();
  return { bytes, reads, memories: targets, file: counted, readAhead: new ReadAhead(counted, size, budget) };
}

const same = (a: Uint8Array | null, b: Uint8Array) => a !== null && Buffer.from(a).equals(b);

describe('read-ahead', () => {
  test('reads a megabyte for a reader that begins, and has it at hand', async () => {
    const { bytes, reads, readAhead } = await bodyOf(3 * MEGABYTE);
    expect(readAhead.peek(100, 50)).toBe(null);
    expect(same(await readAhead.read(100, 50), bytes.subarray(100, 150))).toBe(true);
    expect(same(readAhead.peek(100 + MEGABYTE - 10, 10), bytes.subarray(90 + MEGABYTE, 100 + MEGABYTE))).toBe(true);
    expect(readAhead.peek(100 + MEGABYTE - 10, 11)).toBe(null);
    // The last but one was past the middle, and had the next window read.
    expect(reads).toEqual([
      { position: 100, length: MEGABYTE },
      { position: 100 + MEGABYTE - 65_536, length: MEGABYTE },
    ]);
  });

  test('reads once for readers that ask for the same stretch at the same time', async () => {
    const { reads, readAhead } = await bodyOf(2 * MEGABYTE);
    await Promise.all([0, 1000, 2000].map((offset) => readAhead.read(offset, 1000)));
    expect(reads).toHaveLength(1);
  });

  test('reads little for a reader that jumps', async () => {
    const { reads, readAhead } = await bodyOf(9 * MEGABYTE);
    await readAhead.read(0, 10);
    for (const at of [7, 3, 8, 2]) await readAhead.read(at * MEGABYTE, 10);
    expect(reads.slice(1).map(({ length }) => length)).toEqual([16384, 16384, 16384, 16384]);
  });

  test('reads more each time for a reader that goes on after a jump', async () => {
    const { reads, readAhead } = await bodyOf(9 * MEGABYTE);
    await readAhead.read(0, 10);
    for (let at = 4 * MEGABYTE, end = at + 500_000; at < end; at += 2500) await readAhead.read(at, 2500);
    expect(reads.slice(1).map(({ length }) => length)).toEqual([16384, 65536, 262144, MEGABYTE]);
  });

  test('lets a reader that goes forward wait once, and reads little twice', async () => {
    const size = 20 * MEGABYTE;
    const { reads, bytes, readAhead } = await bodyOf(size);
    let waits = 0;
    for (let at = 0; at + 2500 <= size; at += 2500) {
      const range = readAhead.peek(at, 2500) ?? (waits++, await readAhead.read(at, 2500));
      if (at % 250_000 === 0) expect(same(range, bytes.subarray(at, at + 2500))).toBe(true);
      // A turn of the event loop, in which an answer would come and another request go out.
      if (at % 100_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(waits).toBe(1);
    expect(reads.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(1.08 * size);
  });

  test('reads a long range alone, and exactly', async () => {
    const { bytes, reads, readAhead } = await bodyOf(4 * MEGABYTE);
    const long = await readAhead.read(5, MEGABYTE + 1);
    expect(same(long, bytes.subarray(5, MEGABYTE + 6))).toBe(true);
    expect(reads).toEqual([{ position: 5, length: MEGABYTE + 1 }]);
    expect(readAhead.peek(5, 10)).toBe(null);
  });

  test('keeps at most four windows', async () => {
    const { readAhead } = await bodyOf(9 * MEGABYTE);
    for (const at of [0, 2, 4, 6, 8]) await readAhead.read(at * MEGABYTE, 10);
    expect([0, 2, 4, 6, 8].map((at) => readAhead.peek(at * MEGABYTE, 10) !== null)).toEqual([
      false,
      true,
      true,
      true,
      true,
    ]);
  });

  test('reads the next windows into memory whose ranges were all released', async () => {
    const size = 16 * MEGABYTE;
    const { bytes, readAhead, memories } = await bodyOf(size);
    const held: Uint8Array[] = [];
    for (let at = 0; at + 2500 <= size; at += 2500) {
      const range = readAhead.peek(at, 2500) ?? (await readAhead.read(at, 2500));
      if (at % 250_000 === 0) expect(same(range, bytes.subarray(at, at + 2500))).toBe(true);
      held.push(range);
      // As many as are in flight at once.
      if (held.length > 256) readAhead.release(held.shift() as Uint8Array);
      if (at % 100_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(memories.size).toBeLessThan(8);
  });

  test('lets memory go with the last body that was open', async () => {
    const budget = new ReadAheadBudget();
    const leave = budget.join();
    const memory = budget.memory(MEGABYTE);
    budget.spare(memory);
    leave();
    expect(budget.memory(MEGABYTE) === memory).toBe(false);
  });

  test('hands out a range of the oldest window although reading on from there takes its place', async () => {
    const { bytes, readAhead } = await bodyOf(9 * MEGABYTE);
    readAhead.release(await readAhead.read(0, 10));
    for (const at of [4, 6, 8]) await readAhead.read(at * MEGABYTE, 10);
    expect(same(readAhead.peek(900_000, 10), bytes.subarray(900_000, 900_010))).toBe(true);
  });

  test('does not let a range be released twice', async () => {
    const { readAhead } = await bodyOf(1000);
    const range = await readAhead.read(0, 10);
    readAhead.release(range);
    expect(() => readAhead.release(range)).toThrow('released twice');
  });

  test.each([3, 10, 40])('takes %i bodies no more memory together than it has for all', (bodies) => {
    const budget = new ReadAheadBudget();
    const leave = Array.from({ length: bodies }, () => budget.join());
    expect(4 * bodies * budget.sequentialBytes).toBeLessThanOrEqual(12 * MEGABYTE);
    for (const each of leave) each();
    expect(budget.sequentialBytes).toBe(MEGABYTE);
  });

  test('asks the file again after a read that failed', async () => {
    const { bytes, file } = await bodyOf(1000);
    let failures = 1;
    const flaky = {
      ...file,
      read: (target: Uint8Array, position: number) =>
        failures-- > 0 ? Promise.reject(new Error('EIO')) : file.read(target, position),
    };
    const readAhead = new ReadAhead(flaky, 1000, new ReadAheadBudget());
    await expect(readAhead.read(0, 10)).rejects.toThrow('EIO');
    expect(same(await readAhead.read(0, 10), bytes.subarray(0, 10))).toBe(true);
  });

  test('says so when the body ends inside a request', async () => {
    const { file } = await bodyOf(1000);
    await expect(new ReadAhead(file, 2000, new ReadAheadBudget()).read(990, 20)).rejects.toThrow(/body ends at 1000/);
  });
});
