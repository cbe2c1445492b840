import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  doneLogHeader,
  ENTRY_WORDS,
  isDoneLogHeader,
  putMarker,
  putRow,
  rowAt,
  walkDoneLog,
} from './done-log-format.ts';

/** A log of one marker and rows of 10 bytes each. */
function logOf(rows: readonly { request: number; typeCode: number }[], epoch = 1): Uint32Array {
  const words = new Uint32Array((rows.length + 2) * ENTRY_WORDS);
  words.set(new Uint32Array(doneLogHeader().buffer));
  putMarker(words, 1, epoch, 0);
  rows.forEach((row, i) => putRow(words, i + 2, { ...row, lineBytes: 10, lineCrc: i }));
  return words;
}

test('the checksum of an entry is the CRC-32 that everyone knows', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2 ** 28 - 1 }),
      fc.nat({ max: 3 }),
      fc.nat({ max: 2 ** 32 - 1 }),
      fc.nat({ max: 2 ** 32 - 1 }),
      (request, typeCode, lineBytes, lineCrc) => {
        const words = new Uint32Array(ENTRY_WORDS);
        putRow(words, 0, { request, typeCode, lineBytes, lineCrc });
        expect(words[3]).toBe(crc32(new Uint8Array(words.buffer, 0, 12)));
        expect(rowAt(words, 0)).toEqual({ request, typeCode, lineBytes, lineCrc });
      },
    ),
  );
});

test('rows after the last marker prove nothing by themselves', () => {
  const settled = new Uint8Array(4);
  const walk = walkDoneLog(logOf([{ request: 2, typeCode: 1 }]), settled, 1000);
  expect([...walk.requests]).toEqual([]);
  expect([walk.tailEntry, walk.endEntry]).toEqual([2, 3]);
  expect([...settled]).toEqual([0, 0, 0, 0]);
});

test('a marker proves the rows before it, and carries results longer than 4 GB', () => {
  const words = new Uint32Array(5 * ENTRY_WORDS);
  words.set(new Uint32Array(doneLogHeader().buffer));
  putRow(words, 1, { request: 0, typeCode: 0, lineBytes: 2 ** 32 - 1, lineCrc: 0 });
  putRow(words, 2, { request: 3, typeCode: 3, lineBytes: 2 ** 32 - 1, lineCrc: 0 });
  putMarker(words, 3, 7, 2 * (2 ** 32 - 1));
  putRow(words, 4, { request: 1, typeCode: 0, lineBytes: 5, lineCrc: 0 });
  const settled = new Uint8Array(4);
  const walk = walkDoneLog(words, settled, 2 ** 40);
  expect([...walk.requests]).toEqual([0, 3]);
  expect([...walk.types]).toEqual([0, 3]);
  expect(walk).toMatchObject({ provenBytes: 2 * (2 ** 32 - 1), tailEntry: 4, endEntry: 5 });
  expect([...settled]).toEqual([1, 0, 0, 1]);
});

test('the walk stops at the first entry that does not match its checksum', () => {
  const rows = [0, 1, 2, 3].map((request) => ({ request, typeCode: 0 }));
  fc.assert(
    fc.property(fc.nat({ max: 3 }), fc.nat({ max: 127 }), (row, bit) => {
      const words = logOf(rows);
      const at = (row + 2) * ENTRY_WORDS + (bit >> 5);
      words[at] = (words[at] ?? 0) ^ (1 << (bit & 31));
      expect(walkDoneLog(words, new Uint8Array(4), 1000).endEntry).toBe(row + 2);
    }),
  );
});

test('zeros that a file system left behind are no entry', () => {
  const words = new Uint32Array(8 * ENTRY_WORDS);
  words.set(logOf([{ request: 0, typeCode: 0 }]));
  expect(walkDoneLog(words, new Uint8Array(4), 1000).endEntry).toBe(3);
});

test('a request the batch does not have ends the walk', () => {
  expect(walkDoneLog(logOf([{ request: 4, typeCode: 0 }]), new Uint8Array(4), 1000).endEntry).toBe(2);
});

test('only a whole header of this version begins a log', () => {
  expect(isDoneLogHeader(doneLogHeader())).toBe(true);
  for (let i = 0; i < 16; i++) {
    const header = doneLogHeader();
    header[i] = (header[i] ?? 0) ^ 1;
    expect(isDoneLogHeader(header)).toBe(false);
    expect(isDoneLogHeader(doneLogHeader().subarray(0, i))).toBe(false);
  }
});
