import { CustomIds } from '@batchwright/scan';
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { submission } from '../spool.fixture.ts';
import { decodeIndex, decodeIndexHeader, INDEX_HEADER_BYTES, indexPieces } from './request-index-format.ts';

const { index } = submission(['{"a":1}', '[]', '"x"']);
const { paramsOffset, paramsBytes, customIds } = index;
const encoded = (bodyBytes = 123) => Uint8Array.from(Buffer.concat(indexPieces(index, bodyBytes)));
const plainIds = new CustomIds(customIds.lengths, new Uint8Array(customIds.bytes));

test('an index comes back as it was, laid over the bytes of its file', () => {
  const bytes = encoded();
  const stored = decodeIndex(bytes);
  expect(stored).toEqual({ index: { ...index, customIds: plainIds }, bodyBytes: 123 });
  expect([0, 1, 2].map((request) => Buffer.from(stored?.index.customIds.of(request) ?? []).toString())).toEqual([
    'r-0',
    'r-1',
    'r-2',
  ]);
  expect(stored?.index.paramsOffset.buffer).toBe(bytes.buffer);
});

test('an index is written from where it lies, and only its head and its checksum are made', () => {
  const pieces = indexPieces(index, 123);
  const { traits } = index;
  expect(pieces.slice(1, -1).map(({ buffer }) => buffer)).toEqual(
    [paramsOffset, paramsBytes, customIds.lengths, traits, customIds.bytes].map(({ buffer }) => buffer),
  );
  expect([pieces[0], pieces.at(-1)].map((piece) => piece?.length)).toEqual([INDEX_HEADER_BYTES, 4]);
});

/** The file as version 1 had it. */
function firstVersion(): Uint8Array<ArrayBuffer> {
  const header = encoded().slice(0, INDEX_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(8, 1, true);
  view.setUint32(28, crc32(header.subarray(0, 28)), true);
  const sections = [Float64Array.from(paramsOffset), paramsBytes, Uint32Array.of(0, 3, 6), customIds.lengths];
  const bytes = sections.map(({ buffer }) => new Uint8Array(buffer as ArrayBuffer));
  const before = Buffer.concat([header, ...bytes, customIds.bytes]);
  const crc = new Uint8Array(Uint32Array.of(crc32(before)).buffer);
  return Uint8Array.from(Buffer.concat([before, crc]));
}

test('an index of version 1 is read, and nothing is known of its requests', () => {
  const traits = new Uint8Array(index.count);
  expect(decodeIndex(firstVersion())).toEqual({ index: { ...index, customIds: plainIds, traits }, bodyBytes: 123 });
});

test('a flipped bit anywhere is found, whatever the version', () => {
  for (const whole of [encoded(), firstVersion()]) {
    fc.assert(
      fc.property(fc.nat({ max: whole.length * 8 - 1 }), (bit) => {
        const bytes = whole.slice();
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeIndex(bytes)).toBe(null);
      }),
    );
  }
});

test('an index cut anywhere, or followed by anything, is none', () => {
  const whole = encoded();
  for (let length = 0; length < whole.length; length++) expect(decodeIndex(whole.slice(0, length))).toBe(null);
  expect(decodeIndex(new Uint8Array([...whole, 0]))).toBe(null);
});

test('a header that counts more requests than memory could hold is refused by its checksum', () => {
  const bytes = encoded();
  bytes.fill(255, 12, 16);
  expect(decodeIndexHeader(bytes)).toBe(null);
  expect(decodeIndexHeader(bytes.subarray(0, INDEX_HEADER_BYTES - 1))).toBe(null);
});
