/**
 * The file `index`: where each request lies in `body`. Written once, after the body, and never changed; opening it is
 * one read and a checksum, since the sections are the arrays themselves (little-endian) and views are laid over them.
 *
 *      0  "BWINDEX\n"                     magic
 *      8  u32 version                     2
 *     12  u32 count                       requests
 *     16  f64 bodyBytes                   the size `body` must have
 *     24  u32 customIdsBytes
 *     28  u32 crc32 of bytes 0..28
 *     32  u32 paramsOffset   [count]  ─┐
 *         u32 paramsBytes    [count]   │  struct of arrays, one entry per request,
 *         u8  customIdBytes  [count]   │  in submission order
 *         u8  traits         [count]  ─┘
 *         u8  customIds [customIdsBytes]  ASCII, back to back
 *         u32 crc32 of everything before
 *
 * Version 1 is still read. Its paramsOffset was f64, after paramsBytes it had u32 customIdOffset [count], which the lengths
 * say as well, and it had no traits: nothing is known of its requests.
 *
 * Invariant: a batch whose `index` is whole has a whole `body`; both were synced before create was answered.
 */
import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { CustomIds, type RequestIndex } from '@batchwright/scan';

const MAGIC = 'BWINDEX\n';
const VERSION = 2;
const FIRST_VERSION = 1;
/** Bytes of the fixed header; its checksum is its last four. */
export const INDEX_HEADER_BYTES = 32;
const BYTES_PER_REQUEST = 4 + 4 + 1 + 1;
const BYTES_PER_REQUEST_OF_FIRST = 8 + 4 + 4 + 1;
const CRC_BYTES = 4;

assert(endianness() === 'LE', 'the file spool lays typed arrays over its files and needs a little-endian machine');

/** An index together with the size of the body that it describes. */
export interface StoredIndex {
  readonly index: RequestIndex;
  readonly bodyBytes: number;
}

/** The bytes of an index's file in pieces, to be written one after the other: views of the index, whose arrays must stay as they are. */
export function indexPieces(index: RequestIndex, bodyBytes: number): readonly Uint8Array[] {
  const { paramsOffset, paramsBytes, traits, customIds } = index;
  const sections = [paramsOffset, paramsBytes, customIds.lengths, traits, customIds.bytes];
  const pieces = [encodeHeader(index, bodyBytes), ...sections.map(bytesOf)];
  const crc = new Uint8Array(CRC_BYTES);
  new DataView(crc.buffer).setUint32(0, crcOf(pieces), true);
  return [...pieces, crc];
}

function encodeHeader({ count, customIds }: RequestIndex, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(INDEX_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, count, true);
  view.setFloat64(16, bodyBytes, true);
  view.setUint32(24, customIds.bytes.length, true);
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true);
  return bytes;
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function crcOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((crc, piece) => crc32(piece, crc), 0);
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
  if (version !== VERSION && version !== FIRST_VERSION) return null;
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
  const layOut = header.version === FIRST_VERSION ? layOutFirst : layOutSections;
  return { index: layOut(bytes.buffer, header), bodyBytes: header.bodyBytes };
}

function indexBytes({ version, count, customIdsBytes }: IndexHeader): number {
  const perRequest = version === FIRST_VERSION ? BYTES_PER_REQUEST_OF_FIRST : BYTES_PER_REQUEST;
  return INDEX_HEADER_BYTES + count * perRequest + customIdsBytes + CRC_BYTES;
}

/** The sections go from widest to narrowest, so that each lies at a multiple of its width without padding. */
function layOutSections(buffer: ArrayBuffer, { count, customIdsBytes }: IndexHeader): RequestIndex {
  const paramsBytesAt = INDEX_HEADER_BYTES + 4 * count;
  const customIdBytesAt = paramsBytesAt + 4 * count;
  const traitsAt = customIdBytesAt + count;
  return {
    count,
    paramsOffset: new Uint32Array(buffer, INDEX_HEADER_BYTES, count),
    paramsBytes: new Uint32Array(buffer, paramsBytesAt, count),
    traits: new Uint8Array(buffer, traitsAt, count),
    customIds: new CustomIds(
      new Uint8Array(buffer, customIdBytesAt, count),
      new Uint8Array(buffer, traitsAt + count, customIdsBytes),
    ),
  };
}

/** As version 1 had them. */
function layOutFirst(buffer: ArrayBuffer, { count, customIdsBytes }: IndexHeader): RequestIndex {
  const paramsBytesAt = INDEX_HEADER_BYTES + 8 * count;
  const customIdBytesAt = paramsBytesAt + (4 + 4) * count;
  return {
    count,
    paramsOffset: Uint32Array.from(new Float64Array(buffer, INDEX_HEADER_BYTES, count)),
    paramsBytes: new Uint32Array(buffer, paramsBytesAt, count),
    traits: new Uint8Array(count),
    customIds: new CustomIds(
      new Uint8Array(buffer, customIdBytesAt, count),
      new Uint8Array(buffer, customIdBytesAt + count, customIdsBytes),
    ),
  };
}
