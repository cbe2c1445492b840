/**
 * The file `done.log`: which line of `results.jsonl` settles which request, so that recovery reads 16 bytes a result
 * and not the results. Everything is a 16-byte entry of little-endian words, and the first is the file's header.
 *
 *     header   "BWDONE\n\0"                       u32 version    u32 crc32 of the 12 bytes before
 *     marker   u32 15<<28 | epoch   u32 low, u32 high of …       u32 crc32 of the 12 bytes before
 *     row      u32 type<<28 | request   u32 line bytes   u32 crc32 of the line   u32 crc32 of the 12 bytes before
 *
 *     results.jsonl   line line line line | line line line      | line li
 *     done.log        H M row row row row | M   row row row     | M   row row
 *                     └── synced ───────────────────────────────┘ └ perhaps not ┘
 *
 * Each commit begins with a marker, and a commit begins only after the one before was synced. So a whole marker proves
 * every row before it, and the length of the results (`low`, `high`) at that moment; only rows after the last marker
 * need their lines read and checked. `type` indexes RESULT_TYPES.
 *
 * Invariant: a row is in the file only when the bytes of its line were written before it.
 */
import assert from 'node:assert/strict';
import { RESULT_TYPES } from '@batchwright/protocol';
import { crc32 } from 'node:zlib';
import type { SettledLines } from '../spool.ts';

export const ENTRY_BYTES = 16;
export const ENTRY_WORDS = 4;
/** How many entries a reader of lines holds at a time: 64 KB. */
export const STRETCH_ENTRIES = 4096;
const MARKER_KIND = 15;
const KIND_SHIFT = 28;
const LOW_BITS = 2 ** KIND_SHIFT - 1;
const VERSION = 1;
const VERSION_AT = 8;
const WORD = 2 ** 32;
/** Of an entry, all but its checksum. */
const ENTRY_BODY_BYTES = 12;

const CRC_TABLES = makeCrcTables();
const HEADER = makeHeader();

/** The first entry of every done log. */
export function doneLogHeader(): Uint8Array {
  return HEADER.slice();
}

export function isDoneLogHeader(bytes: Uint8Array): boolean {
  return bytes.length >= ENTRY_BYTES && HEADER.every((byte, i) => bytes[i] === byte);
}

/** The version that a whole header names, where it is not ours; null for ours, and for what is no header. */
export function foreignVersion(bytes: Uint8Array): number | null {
  if (bytes.length < ENTRY_BYTES || !HEADER.subarray(0, VERSION_AT).every((byte, i) => bytes[i] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, ENTRY_BYTES);
  if (view.getUint32(12, true) !== crc32(bytes.subarray(0, 12))) return null;
  const version = view.getUint32(VERSION_AT, true);
  return version === VERSION ? null : version;
}

/** One result as the log keeps it. */
export interface DoneRow {
  readonly request: number;
  /** Index in RESULT_TYPES. */
  readonly typeCode: number;
  /** Bytes of the line, its newline included. */
  readonly lineBytes: number;
  readonly lineCrc: number;
}

/** Puts a row at `entry` (counted in entries). */
export function putRow(words: Uint32Array, entry: number, row: DoneRow): void {
  // Not `assert`, which would have its words made for every row.
  if (row.request > LOW_BITS || row.lineBytes >= WORD) assert.fail(`a row is too large: ${JSON.stringify(row)}`);
  putEntry(words, entry, row.typeCode * 2 ** KIND_SHIFT + row.request, row.lineBytes, row.lineCrc);
}

/** Puts the marker that begins a commit: everything before it is synced, and the results are `resultsBytes` long. */
export function putMarker(words: Uint32Array, entry: number, epoch: number, resultsBytes: number): void {
  assert(epoch >= 0 && epoch <= LOW_BITS, `epoch out of range: ${epoch}`);
  putEntry(words, entry, MARKER_KIND * 2 ** KIND_SHIFT + epoch, resultsBytes % WORD, Math.floor(resultsBytes / WORD));
}

/** What a done log says, before any line was looked at. */
export interface DoneLogWalk {
  /** Rows before the last marker, in order, a repeated request left out. */
  readonly requests: Uint32Array;
  readonly types: Uint8Array;
  /** How long the results were when the last marker was written. */
  readonly provenBytes: number;
  /** Entries after the last marker: rows whose lines have yet to be checked. */
  readonly tailEntry: number;
  readonly endEntry: number;
  /** Where the results were at the first entry behind the header, and at every `STRETCH_ENTRIES`th after it, up to the tail. */
  readonly starts: readonly number[];
  /** Rows from `endEntry` on, where the results are too short to hold their lines. */
  readonly lostRows: number;
}

/**
 * Walks a done log up to its last valid entry whose line lies inside `resultsBytes`, and marks in `settled`, one byte
 * per request, those that a marker proves.
 */
export function walkDoneLog(words: Uint32Array, settled: Uint8Array, resultsBytes: number): DoneLogWalk {
  const entries = Math.floor(words.length / ENTRY_WORDS);
  const requests = new Uint32Array(entries);
  const types = new Uint8Array(entries);
  let [rows, provenRows, tailEntry, provenBytes, walkedBytes, entry] = [0, 0, 1, 0, 0, 1];
  const starts: number[] = [];
  let lostRows = 0;
  for (; entry < entries; entry++) {
    if (entry % STRETCH_ENTRIES === 1) starts.push(walkedBytes);
    const at = entry * ENTRY_WORDS;
    const first = words[at] ?? 0;
    const second = words[at + 1] ?? 0;
    const third = words[at + 2] ?? 0;
    if (entryCrc(first, second, third) !== words[at + 3]) break;
    if (first >>> KIND_SHIFT === MARKER_KIND) {
      // A marker that disagrees with the rows before it proves nothing: stop, and let their lines be checked.
      if (third * WORD + second !== walkedBytes) break;
      [tailEntry, provenRows, provenBytes] = [entry + 1, rows, walkedBytes];
      continue;
    }
    const request = first & LOW_BITS;
    if (first >>> KIND_SHIFT >= RESULT_TYPES.length || request >= settled.length) break;
    if (walkedBytes + second > resultsBytes) {
      lostRows = rowsFrom(words, entry);
      break;
    }
    walkedBytes += second;
    if (settled[request] === 1) continue;
    settled[request] = 1;
    requests[rows] = request;
    types[rows++] = first >>> KIND_SHIFT;
  }
  for (let row = provenRows; row < rows; row++) settled[requests[row] ?? 0] = 0;
  return {
    requests: requests.subarray(0, provenRows),
    types: types.subarray(0, provenRows),
    provenBytes,
    tailEntry,
    starts: starts.slice(0, Math.ceil((tailEntry - 1) / STRETCH_ENTRIES)),
    endEntry: Math.max(entry, 1),
    lostRows,
  };
}

/** How many rows there are from an entry on, up to the first that is not whole. */
function rowsFrom(words: Uint32Array, entry: number): number {
  let rows = 0;
  for (let at = entry * ENTRY_WORDS; at < words.length; at += ENTRY_WORDS) {
    const first = words[at] ?? 0;
    if (entryCrc(first, words[at + 1] ?? 0, words[at + 2] ?? 0) !== words[at + 3]) break;
    if (first >>> KIND_SHIFT !== MARKER_KIND) rows++;
  }
  return rows;
}

/** Lines that lie one behind the other in the results, as consecutive entries name them. */
export interface LineStretch {
  readonly count: number;
  /** Where each line ends in the results. */
  readonly ends: Float64Array;
  readonly crcs: Uint32Array;
  /** How many entries were taken, markers among them, before one that is damaged or disagrees, or before the limit. */
  readonly entries: number;
  /** The results' length that the last marker among them proves; null without one. */
  readonly provenBytes: number | null;
}

/** Reads entries, without the header, whose first line begins at `start`; takes none once the lines reach `limitBytes`. */
export function linesFrom(words: Uint32Array, start: number, limitBytes: number): LineStretch {
  const most = Math.floor(words.length / ENTRY_WORDS);
  const ends = new Float64Array(most);
  const crcs = new Uint32Array(most);
  let [entries, count, end] = [0, 0, start];
  let provenBytes: number | null = null;
  for (; entries < most && end < limitBytes; entries++) {
    const at = entries * ENTRY_WORDS;
    const first = words[at] ?? 0;
    const second = words[at + 1] ?? 0;
    const third = words[at + 2] ?? 0;
    if (entryCrc(first, second, third) !== words[at + 3]) break;
    if (first >>> KIND_SHIFT === MARKER_KIND) {
      if (third * WORD + second !== end) break;
      provenBytes = end;
      continue;
    }
    end += second;
    ends[count] = end;
    crcs[count++] = third;
  }
  return { count, ends, crcs, entries, provenBytes };
}

/**
 * The rows of a done log, markers left out, as far as their lines lie within `bytes` bytes of results. Null when the log
 * ends, or is damaged, before its lines have filled them.
 */
export function rowsWithin(words: Uint32Array, bytes: number): SettledLines | null {
  const entries = Math.floor(words.length / ENTRY_WORDS);
  const requests = new Uint32Array(entries);
  const types = new Uint8Array(entries);
  const lineBytes = new Uint32Array(entries);
  let rows = 0;
  let end = 0;
  for (let entry = 1; end < bytes; entry++) {
    const at = entry * ENTRY_WORDS;
    const first = words[at] ?? 0;
    const second = words[at + 1] ?? 0;
    if (entry >= entries || entryCrc(first, second, words[at + 2] ?? 0) !== words[at + 3]) return null;
    if (first >>> KIND_SHIFT === MARKER_KIND) continue;
    end += second;
    if (end > bytes) break;
    requests[rows] = first & LOW_BITS;
    types[rows] = first >>> KIND_SHIFT;
    lineBytes[rows++] = second;
  }
  return { requests: requests.slice(0, rows), types: types.slice(0, rows), lineBytes: lineBytes.slice(0, rows) };
}

/** A row as it lies in the log. Only for entries of the tail, which `walkDoneLog` found to be rows. */
export function rowAt(words: Uint32Array, entry: number): DoneRow {
  const at = entry * ENTRY_WORDS;
  const first = words[at] ?? 0;
  return {
    request: first & LOW_BITS,
    typeCode: first >>> KIND_SHIFT,
    lineBytes: words[at + 1] ?? 0,
    lineCrc: words[at + 2] ?? 0,
  };
}

function putEntry(words: Uint32Array, entry: number, first: number, second: number, third: number): void {
  const at = entry * ENTRY_WORDS;
  words[at] = first;
  words[at + 1] = second;
  words[at + 2] = third;
  words[at + 3] = entryCrc(first, second, third);
}

/**
 * CRC-32 of three words. By table here, since a call into zlib for every 12 bytes costs ten times as much; and by a table
 * for each byte, so that no lookup waits for another: walking a log takes 18 ns an entry, and took 29 with a table for each
 * byte of one word.
 */
function entryCrc(first: number, second: number, third: number): number {
  return ~(wordEffect(~first, 2048) ^ wordEffect(second, 1024) ^ wordEffect(third, 0)) >>> 0;
}

/** The effect of a word on the checksum; `after` is the first of the tables for as many bytes as follow it. */
function wordEffect(word: number, after: number): number {
  return (
    (CRC_TABLES[after + 768 + (word & 255)] ?? 0) ^
    (CRC_TABLES[after + 512 + ((word >>> 8) & 255)] ?? 0) ^
    (CRC_TABLES[after + 256 + ((word >>> 16) & 255)] ?? 0) ^
    (CRC_TABLES[after + (word >>> 24)] ?? 0)
  );
}

/** Table n, at n × 256: the effect of a byte that n zero bytes follow. */
function makeCrcTables(): Int32Array {
  const tables = new Int32Array(ENTRY_BODY_BYTES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let c = byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    tables[byte] = c;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] ?? 0;
    tables[i] = (tables[before & 255] ?? 0) ^ (before >>> 8);
  }
  return tables;
}

function makeHeader(): Uint8Array {
  const bytes = new Uint8Array(ENTRY_BYTES);
  for (let i = 0; i < 7; i++) bytes[i] = 'BWDONE\n'.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  view.setUint32(VERSION_AT, VERSION, true);
  view.setUint32(12, crc32(bytes.subarray(0, 12)), true);
  return bytes;
}
