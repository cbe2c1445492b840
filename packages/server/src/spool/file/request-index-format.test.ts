import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { submission } from '../spool.fixture.ts';
import { decodeIndex, decodeIndexHeader, encodeIndex, INDEX_HEADER_BYTES } from './request-index-format.ts';

const { index } = submission(['{"a":1}', '[]', '"x"']);
const encoded = () => new Uint8Array(encodeIndex(index, 123).slice().buffer);

test('an index comes back as it was, laid over the bytes of its file', () => {
  const bytes = encoded();
  const stored = decodeIndex(bytes);
  expect(stored).toEqual({ index: { ...index, customIds: new Uint8Array(index.customIds) }, bodyBytes: 123 });
  expect(stored?.index.paramsOffset.buffer).toBe(bytes.buffer);
});

test('an index of version 1 is read, and nothing is known of its requests', () => {
  const traitsAt = INDEX_HEADER_BYTES + index.count * 17;
  const bytes = encoded();
  const old = new Uint8Array([...bytes.subarray(0, traitsAt), ...bytes.subarray(traitsAt + index.count)]);
  const view = new DataView(old.buffer);
  view.setUint32(8, 1, true);
  view.setUint32(28, crc32(old.subarray(0, 28)), true);
  view.setUint32(old.length - 4, crc32(old.subarray(0, -4)), true);
  const customIds = new Uint8Array(index.customIds);
  expect(decodeIndex(old)?.index).toEqual({ ...index, customIds, traits: new Uint8Array(index.count) });
});

test('a body may be longer than 32 bits can say', () => {
  expect(decodeIndexHeader(encodeIndex(index, 2 ** 40 + 1))?.bodyBytes).toBe(2 ** 40 + 1);
});

test('a flipped bit anywhere is found', () => {
  fc.assert(
    fc.property(fc.nat({ max: encoded().length * 8 - 1 }), (bit) => {
      const bytes = encoded();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeIndex(bytes)).toBe(null);
    }),
  );
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

test('arrays with room for more requests than there are store only those', () => {
  const roomy = { ...index, paramsOffset: Float64Array.from([...index.paramsOffset, 9, 9]) };
  expect(decodeIndex(new Uint8Array(encodeIndex(roomy, 123).slice().buffer))?.index.paramsOffset.length).toBe(3);
});
