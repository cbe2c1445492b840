/**
 * The file `index`: where each request lies in `body`. Written once, after the body, and never changed; opening it is
 * one read and a checksum, since the sections are the arrays themselves (little-endian) and views are laid over them.
 * Version 1 has no traits, and is still read: nothing is known of its requests.
 *
 *      0  "BWINDEX\n"                     magic
 *      8  u32 version                     2
 *     12  u32 count                       requests
 *     16  f64 bodyBytes                   the size `body` must have
 *     24  u32 customIdsBytes
 *     28  u32 crc32 of bytes 0..28
 *     32  f64 paramsOffset   [count]  ─┐
 *         u32 paramsBytes    [count]   │  struct of arrays, one entry per request,
 *         u32 customIdOffset [count]   │  in submission order
 *         u8  customIdBytes  [count]   │
 *         u8  traits         [count]  ─┘
 *         u8  customIds [customIdsBytes]  ASCII, back to back
 *         u32 crc32 of everything before
 *
 * Invariant: a batch whose `index` is whole has a whole `body`; both were synced before create was answered.
 */
import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import type { RequestIndex } from '@batchwright/scan';

const MAGIC = 'BWINDEX\n';
const VERSION = 2;
const VERSION_WITHOUT_TRAITS = 1;
/** Bytes of the fixed header; its checksum is its last four. */
export const INDEX_HEADER_BYTES = 32;
const BYTES_PER_REQUEST = 8 + 4 + 4 + 1 + 1;
const CRC_BYTES = 4;

assert(endianness() === 'LE', 'the file spool lays typed arrays over its files and needs a little-endian machine');

/** An index together with the size of the body that it describes. */
export interface StoredIndex {
  readonly index: RequestIndex;
  readonly bodyBytes: number;
}

export function encodeIndex(index: RequestIndex, bodyBytes: number): Uint8Array {
  const { count } = index;
  const header = { version: VERSION, count, bodyBytes, customIdsBytes: index.customIds.length };
  const total = indexBytes(header);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, count, true);
  view.setFloat64(16, bodyBytes, true);
  view.setUint32(24, index.customIds.length, true);
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true);
  const sections = layOut(bytes.buffer, header);
  sections.paramsOffset.set(index.paramsOffset.subarray(0, count));
  sections.paramsBytes.set(index.paramsBytes.subarray(0, count));
  sections.customIdOffset.set(index.customIdOffset.subarray(0, count));
  sections.customIdBytes.set(index.customIdBytes.subarray(0, count));
  sections.traits.set(index.traits.subarray(0, count));
  sections.customIds.set(index.customIds);
  view.setUint32(total - CRC_BYTES, crc32(bytes.subarray(0, total - CRC_BYTES)), true);
  return bytes;
}

interface IndexHeader {
  readonly version: number;
  readonly count: number;
  readonly bodyBytes: number;
  readonly customIdsBytes: number;
}

/** What a whole header says; null when it is not one. */
export function decodeIndexHeader(bytes: Uint8Array): IndexHeader | null {
  if (bytes.length < INDEX_HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, INDEX_HEADER_BYTES);
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC.charCodeAt(i)) return null;
  if (view.getUint32(28, true) !== crc32(bytes.subarray(0, 28))) return null;
  const version = view.getUint32(8, true);
  if (version !== VERSION && version !== VERSION_WITHOUT_TRAITS) return null;
  return {
    version,
    count: view.getUint32(12, true),
    bodyBytes: view.getFloat64(16, true),
    customIdsBytes: view.getUint32(24, true),
  };
}

/** Lays an index over the bytes of its file, which must own their buffer; null when they are not a whole index. */
export function decodeIndex(bytes: Uint8Array<ArrayBuffer>): StoredIndex | null {
  const header = decodeIndexHeader(bytes);
  if (header === null || bytes.length !== indexBytes(header)) return null;
  const end = bytes.length - CRC_BYTES;
  const stored = new DataView(bytes.buffer).getUint32(end, true);
  if (stored !== crc32(bytes.subarray(0, end))) return null;
  return { index: layOut(bytes.buffer, header), bodyBytes: header.bodyBytes };
}

function indexBytes({ version, count, customIdsBytes }: IndexHeader): number {
  const perRequest = version === VERSION_WITHOUT_TRAITS ? BYTES_PER_REQUEST - 1 : BYTES_PER_REQUEST;
  return INDEX_HEADER_BYTES + count * perRequest + customIdsBytes + CRC_BYTES;
}

/** The sections go from widest to narrowest, so that each lies at a multiple of its width without padding. */
function layOut(buffer: ArrayBuffer, { version, count, customIdsBytes }: IndexHeader): RequestIndex {
  const paramsBytesAt = INDEX_HEADER_BYTES + 8 * count;
  const customIdOffsetAt = paramsBytesAt + 4 * count;
  const customIdBytesAt = customIdOffsetAt + 4 * count;
  const traitsAt = customIdBytesAt + count;
  const hasTraits = version !== VERSION_WITHOUT_TRAITS;
  return {
    count,
    paramsOffset: new Float64Array(buffer, INDEX_HEADER_BYTES, count),
    paramsBytes: new Uint32Array(buffer, paramsBytesAt, count),
    customIdOffset: new Uint32Array(buffer, customIdOffsetAt, count),
    customIdBytes: new Uint8Array(buffer, customIdBytesAt, count),
    traits: hasTraits ? new Uint8Array(buffer, traitsAt, count) : new Uint8Array(count),
    customIds: new Uint8Array(buffer, hasTraits ? traitsAt + count : traitsAt, customIdsBytes),
  };
}
